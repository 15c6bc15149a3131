"""What botocore knows: a region, the addresses in it, credentials, and how a request is signed.

All of it may read files and ask the network: it is for threads, never for the event loop.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from akmon_core.errors import ProviderError, SettingsError

SERVICE = "bedrock"
"""The name that requests are signed for, whichever of its endpoints they go to."""

_ARN_REGION = re.compile(r"arn:aws[\w-]*:bedrock:([a-z0-9-]+):")


class Aws:
    """A profile of the user's, or the environment's own configuration if ``profile`` is empty."""

    def __init__(self, profile: str = "") -> None:
        from botocore.session import Session

        # Keys in the environment go before AWS_PROFILE, as for all programs, but not before another profile.
        named = profile if profile != os.environ.get("AWS_PROFILE") else ""
        self._profile = profile
        self._session = Session(profile=named or None)
        self._credentials: Any = None

    def region(self, wanted: str = "", model: str = "") -> str:
        """That of the model's ARN, the one ``wanted``, or the configured one.

        Raises ``SettingsError`` if there is none, ``ProviderError`` if the configuration cannot be read.
        """
        arn = _ARN_REGION.match(model)
        with self._explained():
            found = (arn and arn[1]) or wanted or self._session.get_config_variable("region")
        if not found:
            raise SettingsError(
                "no AWS region is set for Bedrock. Set AWS_REGION, as in AWS_REGION=us-east-1, or give the "
                "profile one: aws configure set region us-east-1"
                + (f" --profile {self._profile}" if self._profile else "")
            )
        return str(found)

    def address(self, region: str, service: str = "bedrock-runtime") -> str:
        """Where ``service`` is in ``region``, as the AWS configuration has it. Raises ``SettingsError``."""
        from botocore import UNSIGNED
        from botocore.config import Config
        from botocore.exceptions import InvalidRegionError

        with self._explained():
            try:
                client = self._session.create_client(
                    service, region_name=region, config=Config(signature_version=UNSIGNED)
                )
            except InvalidRegionError:
                raise SettingsError(f"{region!r} is no AWS region. Set AWS_REGION to one.") from None
        client.close()
        return str(client.meta.endpoint_url)

    def sign(
        self, region: str, method: str, url: str, headers: Mapping[str, str], body: bytes
    ) -> dict[str, str]:
        """The headers that sign a request: those given, its path and its body. Credentials that expire are
        fetched anew, and are the same for all of one signature.

        Raises ``ProviderError`` if there are none.
        """
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest

        request = AWSRequest(method=method, url=url, headers=dict(headers), data=body)
        SigV4Auth(self._frozen(), SERVICE, region).add_auth(request)
        return dict(request.headers.items())

    def _frozen(self) -> Any:
        with self._explained():
            if self._credentials is None:
                self._credentials = self._session.get_credentials()
            if self._credentials is not None:
                return self._credentials.get_frozen_credentials()
        raise _unauthenticated(
            "no AWS credentials were found for Bedrock. Set AWS_BEARER_TOKEN_BEDROCK to an API key of "
            "Bedrock's, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a profile with AWS_PROFILE "
            "(`aws configure sso` makes one)."
        )

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turns what botocore raises into ``ProviderError`` that says what to do."""
        from botocore import exceptions

        of = f" --profile {self._profile}" if self._profile else ""
        try:
            yield
        except exceptions.ProfileNotFound as error:
            known = "Name one of `aws configure list-profiles` with AWS_PROFILE."
            raise _unauthenticated(f"{error}. {known}") from None
        except (exceptions.SSOError, exceptions.TokenRetrievalError) as error:
            raise _unauthenticated(f"the AWS sign-in has expired ({error}). Run: aws sso login{of}") from None
        except exceptions.LoginError as error:
            raise _unauthenticated(f"the AWS sign-in has expired ({error}). Run: aws login{of}") from None
        except exceptions.HTTPClientError as error:
            raise ProviderError(
                "connection", f"AWS credentials for Bedrock could not be fetched: {error}. Check the network."
            ) from None
        except (exceptions.BotoCoreError, exceptions.ClientError) as error:
            raise _unauthenticated(
                f"AWS credentials for Bedrock could not be read: {error}. Check them with: "
                f"aws sts get-caller-identity{of}"
            ) from None


def _unauthenticated(what: str) -> ProviderError:
    return ProviderError("authentication", what)
