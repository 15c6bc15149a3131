"""What a model id says by its form alone: whose models are called so."""

from __future__ import annotations

import re

_OPENAI = re.compile(r"(?:gpt-(?!oss|neo|j-)|chatgpt-|codex-|o\d(?:-|\Z))[^:/]*\Z|ft:(?:gpt-|o\d-)[^/]*\Z")

_BEDROCK = re.compile(
    r"(?:(?:us|us-gov|eu|apac|jp|au|ca|global)\.)?"  # where an inference profile may send a request
    r"(?:ai21|amazon|anthropic|cohere|deepseek|google|meta|minimax|mistral|moonshot(?:ai)?|nvidia|openai|qwen"
    r"|writer|zai)\.[a-z][\w.:-]*\Z"
    r"|arn:aws[\w-]*:bedrock:"
)

_GROQ = re.compile(
    r"(?:llama-[\d.]+-[\w-]+-(?:versatile|instant|specdec|preview)"
    r"|llama3-(?:8b|70b)-8192|mixtral-8x7b-32768|gemma2-9b-it"
    r"|openai/gpt-oss-(?:safeguard-)?\d+b|qwen/qwen3-32b"
    r"|meta-llama/llama-(?:4|guard|prompt-guard)-[\w.-]+|moonshotai/kimi-k2[\w.-]*)\Z"
)

_DEPLOYMENT = re.compile(r"[\w.-]+\Z", re.ASCII)

_HUGGING_FACE = ("hf.co/", "huggingface.co/")


def is_claude(model: str) -> bool:
    """Whether ``model`` is an id of Anthropic's, with no organisation before it."""
    return model.lower().startswith("claude") and "/" not in model


def is_openai_model(model: str) -> bool:
    """Whether ``model`` looks like an id of OpenAI's own models, which their open weights are not."""
    return bool(_OPENAI.match(model.lower()))


def is_bedrock_form(model: str) -> bool:
    """Whether ``model`` is a vendor and a name with a dot between, or an ARN, as only Bedrock has them."""
    return bool(_BEDROCK.match(model))


def is_groq_hosted(model: str) -> bool:
    """Whether ``model`` is an id that Groq gives to open models.

    In lower case only: ``Qwen/Qwen3-32B`` is what other servers call the same weights.
    """
    return bool(_GROQ.match(model))


def is_deployment(model: str) -> bool:
    """Whether a deployment at Azure could have the name ``model``."""
    return bool(_DEPLOYMENT.match(model))


def is_hugging_face(model: str) -> bool:
    """Whether ``model`` is an address at Hugging Face, from which Ollama takes models."""
    return model.startswith(_HUGGING_FACE)


def is_tagged(model: str) -> bool:
    """Whether ``model`` has a tag after a colon, as Ollama's ids do, or is an address that only it takes."""
    return is_hugging_face(model) or (":" in model and not model.startswith(("ft:", "arn:")))


def has_organisation(model: str) -> bool:
    """Whether ``model`` is ``organisation/name``, as OpenRouter's ids are."""
    organisation, _, name = model.partition("/")
    return bool(organisation and name) and not is_hugging_face(model)
