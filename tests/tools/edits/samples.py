"""A file in each of several languages, an edit to it, and edits that are nearly it but mean another."""

from __future__ import annotations

from typing import NamedTuple


class Sample(NamedTuple):
    before: str
    old: str
    new: str
    """As many lines as ``old``."""
    near: tuple[tuple[str, str], ...]
    """What the file says, and what an edit says instead that must be refused."""


SAMPLES = {
    "python": Sample(
        """\
import os

class Store:
    limit = 10

    def total(self, items):
        result = 0
        for item in items:
            if item.price > 100 and not item.free:
                result += item.price * 2  # count expensive ones twice
        return result

    def clear(self):
        self.items = []
""",
        """\
        for item in items:
            if item.price > 100 and not item.free:
                result += item.price * 2  # count expensive ones twice""",
        """\
        for item in items:
            if item.price > 100 and not item.free:
                result += item.price * 3  # count expensive ones twice""",
        (
            ("> 100", "> 1000"),
            ("> 100", "< 100"),
            ("and not item.free", "and item.free"),
            ("item.price >", "item.prices >"),
            ("expensive ones twice", "cheap ones twice"),
        ),
    ),
    "javascript": Sample(
        """\
const express = require("express");

function start(app, port) {
  app.get("/users", async (req, res) => {
    const users = await db.find({ active: true, age: 18 });
    res.status(200).json(users);
  });
  return app.listen(port);
}

module.exports = { start };
""",
        """\
    const users = await db.find({ active: true, age: 18 });
    res.status(200).json(users);""",
        """\
    const users = await db.find({ active: true, age: 18 });
    res.status(201).json(users);""",
        (
            ("active: true", "active: false"),
            ("age: 18", "age: 21"),
            ("db.find", "db.findOne"),
            ("await db", "db"),
        ),
    ),
    "typescript": Sample(
        """\
export class Cart {
    private items: Item[] = [];

    add(item: Item, count: number = 1): void {
        if (count <= 0 || item === undefined) {
            throw new Error("count must be positive");
        }
        this.items.push({ ...item, count });
    }
}
""",
        """\
        if (count <= 0 || item === undefined) {
            throw new Error("count must be positive");
        }""",
        """\
        if (count <= 0 || item === undefined) {
            throw new RangeError("count must be positive");
        }""",
        (
            ("count <= 0", "count < 0"),
            ("||", "&&"),
            ("=== undefined", "!== undefined"),
            ("must be positive", "must be negative"),
        ),
    ),
    "go": Sample(
        """\
package main

import "fmt"

func sum(values []int) (total int, err error) {
\tfor _, value := range values {
\t\tif value < 0 {
\t\t\treturn 0, fmt.Errorf("negative value %d", value)
\t\t}
\t\ttotal += value
\t}
\treturn total, nil
}
""",
        """\
\t\tif value < 0 {
\t\t\treturn 0, fmt.Errorf("negative value %d", value)
\t\t}""",
        """\
\t\tif value < 0 {
\t\t\treturn -1, fmt.Errorf("negative value %d", value)
\t\t}""",
        (
            ("value < 0", "value > 0"),
            ("value < 0", "value < 10"),
            ('"negative value', '"positive value'),
            ("value)", "values)"),
        ),
    ),
    "rust": Sample(
        """\
impl Queue {
    pub fn push(&mut self, job: Job) -> Result<(), Full> {
        if self.jobs.len() >= self.capacity {
            return Err(Full { capacity: self.capacity });
        }
        self.jobs.push_back(job);
        Ok(())
    }
}
""",
        """\
        if self.jobs.len() >= self.capacity {
            return Err(Full { capacity: self.capacity });
        }""",
        """\
        if self.jobs.len() >= self.capacity {
            return Err(Full { capacity: self.jobs.len() });
        }""",
        ((">=", ">"), ("self.jobs", "self.job"), ("Err(Full", "Ok(Full")),
    ),
    "c": Sample(
        """\
#include <stdio.h>

static int copy(char *to, const char *from, size_t size)
{
\tsize_t i;

\tfor (i = 0; i + 1 < size && from[i] != 0; i++)
\t\tto[i] = from[i]; /* byte by byte */
\tto[i] = 0;
\treturn i;
}
""",
        """\
\tfor (i = 0; i + 1 < size && from[i] != 0; i++)
\t\tto[i] = from[i]; /* byte by byte */""",
        """\
\tfor (i = 0; i + 1 < size && from[i] != 0; ++i)
\t\tto[i] = from[i]; /* byte by byte */""",
        (("i + 1 < size", "i < size"), ("!= 0", "== 0"), ("&&", "||"), ("to[i] =", "to[1] =")),
    ),
    "java": Sample(
        """\
public class Account {
    private long balance;

    public synchronized void withdraw(long amount) {
        if (amount > balance) {
            throw new IllegalStateException("not enough money");
        }
        balance -= amount;
    }

    public synchronized void deposit(long amount) {
        balance += amount;
    }
}
""",
        """\
            throw new IllegalStateException("not enough money");
        }
        balance -= amount;""",
        """\
            throw new IllegalStateException("not enough money");
        }
        balance = Math.subtractExact(balance, amount);""",
        (
            ("balance -=", "balance +="),
            ("IllegalStateException", "IllegalArgumentException"),
            ("not enough", "enough"),
        ),
    ),
    "makefile": Sample(
        """\
CC = gcc

program: main.o util.o
\t$(CC) -O2 -o program main.o util.o
\tstrip program

clean:
\trm -f program main.o util.o
""",
        """\
program: main.o util.o
\t$(CC) -O2 -o program main.o util.o
\tstrip program""",
        """\
program: main.o util.o
\t$(CC) -O3 -o program main.o util.o
\tstrip program""",
        (("-O2", "-O1"), ("strip program", "strip programs"), ("main.o util.o", "main.o utils.o")),
    ),
    "yaml": Sample(
        """\
name: build
on: [push]
jobs:
  test:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - run: make test
        timeout-minutes: 10
  deploy:
    needs: test
""",
        """\
      - uses: actions/checkout@v4
      - run: make test
        timeout-minutes: 10""",
        """\
      - uses: actions/checkout@v4
      - run: make check
        timeout-minutes: 10""",
        (
            ("checkout@v4", "checkout@v3"),
            ("minutes: 10", "minutes: 30"),
            ("timeout-minutes", "retry-minutes"),
        ),
    ),
    "json": Sample(
        """\
{
  "name": "demo",
  "version": "1.4.2",
  "scripts": {
    "build": "tsc -p .",
    "test": "jest --ci"
  },
  "private": true
}
""",
        """\
    "build": "tsc -p .",
    "test": "jest --ci"
  },""",
        """\
    "build": "tsc -p .",
    "test": "jest --ci --coverage"
  },""",
        (('"jest --ci"', '"mocha --ci"'), ('"build"', '"built"'), ("-p .", "-b .")),
    ),
    "html": Sample(
        """\
<!doctype html>
<html>
  <body>
    <ul class="menu">
      <li><a href="/home">Home</a></li>
      <li><a href="/about">About</a></li>
    </ul>
    <p>Welcome back</p>
  </body>
</html>
""",
        """\
    <ul class="menu">
      <li><a href="/home">Home</a></li>
      <li><a href="/about">About</a></li>""",
        """\
    <ul class="menu wide">
      <li><a href="/home">Home</a></li>
      <li><a href="/about">About</a></li>""",
        (('"/about"', '"/contact"'), ('class="menu"', 'id="menu"'), (">Home<", ">House<")),
    ),
    "css": Sample(
        """\
body {
  margin: 0;
}

.card {
  padding: 12px 16px;
  border: 1px solid #ccc;
  color: rgb(10, 20, 30);
}
""",
        """\
  padding: 12px 16px;
  border: 1px solid #ccc;
  color: rgb(10, 20, 30);""",
        """\
  padding: 12px 16px;
  border: 2px solid #ccc;
  color: rgb(10, 20, 30);""",
        (("12px", "14px"), ("#ccc", "#ddd"), ("padding", "margin")),
    ),
    "markdown": Sample(
        """\
# Guide

## Install

1. Download the archive from the site.
2. Unpack it into a folder of your own.
3. Run `make install` there.

    make install PREFIX=/usr

Done.
""",
        """\
1. Download the archive from the site.
2. Unpack it into a folder of your own.
3. Run `make install` there.""",
        """\
1. Download the archive from the site.
2. Unpack it into an empty folder.
3. Run `make install` there.""",
        (
            ("Download the", "Upload the"),
            ("make install` there", "make uninstall` there"),
            ("3. Run", "4. Run"),
        ),
    ),
    "shell": Sample(
        """\
#!/bin/sh
set -eu

for file in "$@"; do
    if [ -f "$file" ] && [ ! -L "$file" ]; then
        gzip -9 "$file"
    fi
done
""",
        """\
    if [ -f "$file" ] && [ ! -L "$file" ]; then
        gzip -9 "$file"
    fi""",
        """\
    if [ -f "$file" ] && [ ! -L "$file" ]; then
        gzip -6 "$file"
    fi""",
        (
            ("[ ! -L", "[ -L"),
            ("-f ", "-d "),
            ('"$file" ]; then', '"$files" ]; then'),
            ("gzip -9", "bzip2 -9"),
        ),
    ),
    "sql": Sample(
        """\
CREATE VIEW recent AS
SELECT id, name
FROM orders
WHERE total >= 100
    AND created > now() - interval '7 days' -- the last week
    AND state <> 'cancelled'
ORDER BY created DESC;
""",
        """\
    AND created > now() - interval '7 days' -- the last week
    AND state <> 'cancelled'
ORDER BY created DESC;""",
        """\
    AND created > now() - interval '9 days' -- the last week
    AND state <> 'cancelled'
ORDER BY created DESC;""",
        (("<>", "="), ("DESC", "ASC"), ("'cancelled'", "'canceled'"), ("last week", "first week")),
    ),
}
