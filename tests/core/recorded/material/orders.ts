import { createHash, randomUUID } from "node:crypto";
import type { Request, Response, NextFunction } from "./http";
import { Store } from "./store";

export interface OrderLine {
  readonly sku: string;
  readonly quantity: number;
  readonly unitPriceCents: number;
}

export type OrderState = "draft" | "placed" | "paid" | "shipped" | "cancelled";

export interface Order {
  id: string;
  customerId: string;
  state: OrderState;
  lines: OrderLine[];
  createdAt: Date;
  updatedAt?: Date;
  couponCode?: string | null;
}

const TRANSITIONS: Record<OrderState, ReadonlyArray<OrderState>> = {
  draft: ["placed", "cancelled"],
  placed: ["paid", "cancelled"],
  paid: ["shipped", "cancelled"],
  shipped: [],
  cancelled: [],
};

export class IllegalTransition extends Error {
  constructor(public readonly from: OrderState, public readonly to: OrderState) {
    super(`an order that is ${from} cannot become ${to}`);
    this.name = "IllegalTransition";
  }
}

export function totalCents(order: Pick<Order, "lines" | "couponCode">, discounts: Map<string, number>): number {
  const sum = order.lines.reduce((total, line) => total + line.quantity * line.unitPriceCents, 0);
  const percent = order.couponCode ? discounts.get(order.couponCode) ?? 0 : 0;
  return Math.max(0, Math.round(sum * (1 - percent / 100)));
}

export class OrderService {
  private readonly listeners = new Set<(order: Order) => void>();

  constructor(
    private readonly store: Store<Order>,
    private readonly clock: () => Date = () => new Date(),
  ) {}

  onChange(listener: (order: Order) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  async create(customerId: string, lines: OrderLine[]): Promise<Order> {
    if (lines.length === 0) {
      throw new RangeError("an order needs at least one line");
    }
    const order: Order = { id: randomUUID(), customerId, state: "draft", lines, createdAt: this.clock() };
    await this.store.put(order.id, order);
    this.announce(order);
    return order;
  }

  async advance(id: string, to: OrderState): Promise<Order> {
    const order = await this.store.get(id);
    if (!order) {
      throw new Error(`no order ${id}`);
    }
    if (!TRANSITIONS[order.state].includes(to)) {
      throw new IllegalTransition(order.state, to);
    }
    const changed = { ...order, state: to, updatedAt: this.clock() };
    await this.store.put(id, changed);
    this.announce(changed);
    return changed;
  }

  async search({ customerId, state, limit = 50 }: { customerId?: string; state?: OrderState; limit?: number }) {
    const found: Order[] = [];
    for await (const order of this.store.values()) {
      if (customerId && order.customerId !== customerId) continue;
      if (state && order.state !== state) continue;
      found.push(order);
      if (found.length >= limit) break;
    }
    return found.sort((a, b) => b.createdAt.getTime() - a.createdAt.getTime());
  }

  private announce(order: Order): void {
    for (const listener of this.listeners) {
      queueMicrotask(() => listener(order));
    }
  }
}

export function etag(order: Order): string {
  return `"${createHash("sha256").update(JSON.stringify(order)).digest("base64url").slice(0, 27)}"`;
}

export const handler = (service: OrderService) => async (req: Request, res: Response, next: NextFunction) => {
  try {
    const order = await service.advance(req.params.id, req.body.state as OrderState);
    res.setHeader("ETag", etag(order)).status(200).json({ data: order, links: { self: `/orders/${order.id}` } });
  } catch (error) {
    if (error instanceof IllegalTransition) {
      return res.status(409).json({ error: { code: "illegal_transition", message: error.message } });
    }
    next(error);
  }
};
