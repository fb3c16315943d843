"""Both SMS gateways against a real HTTP server on loopback."""

from __future__ import annotations

import base64
import json
import logging
import time
from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs

import pytest

from signing_core.delivery.channels.sms_json import Fields, JsonSmsChannel
from signing_core.delivery.channels.sms_twilio import TwilioSmsChannel
from signing_core.errors import DeliveryFailed, UsageError

TEXT = "Sample Company: 042 917 is your code – ü"


def sms(sample: SimpleNamespace, **more: Any) -> Any:
    return sample.outgoing(TEXT.encode(), channel="sms", recipient="+491713920012", **more)


def twilio(gateway: Any, **options: Any) -> TwilioSmsChannel:
    return TwilioSmsChannel("AC0123", "an auth token", "+491713920000", url=gateway.url, timeout=20.0, **options)


def generic(gateway: Any, **options: Any) -> JsonSmsChannel:
    return JsonSmsChannel(gateway.url + "/send", timeout=20.0, **options)


def test_the_generic_gateway_gets_json(gateway: Any, sample: SimpleNamespace) -> None:
    receipt = generic(gateway, token="a bearer token", sender="Sample").send(
        sms(sample, expires_at=sample.start + timedelta(minutes=5)), now=sample.start + timedelta(seconds=30)
    )
    (request,) = gateway.requests
    assert request.path == "/send"
    assert request.headers["authorization"] == "Bearer a bearer token"
    assert request.headers["idempotency-key"] == "01JMESSAGE0000000000000000@sample-company.example"
    assert json.loads(request.body) == {
        "to": "+491713920012",
        "text": TEXT,
        "from": "Sample",
        "reference": "01JMESSAGE0000000000000000@sample-company.example",
        "validity_seconds": 270,
    }
    assert receipt.reference == "gw-1"


def test_the_names_of_its_fields_can_be_set(gateway: Any, sample: SimpleNamespace) -> None:
    fields = Fields("msisdn", "body", None, None, None, "message_id", {"route": "gold"})
    gateway.answers.append((202, {"message_id": 4711}))
    receipt = generic(gateway, sender="Sample", user="me", password="secret", fields=fields).send(
        sms(sample), now=sample.start
    )
    (request,) = gateway.requests
    assert json.loads(request.body) == {"msisdn": "+491713920012", "body": TEXT, "route": "gold"}
    assert base64.b64decode(request.headers["authorization"].removeprefix("Basic ")) == b"me:secret"
    assert receipt.reference == "4711"


def test_twilio_gets_a_form(gateway: Any, sample: SimpleNamespace) -> None:
    gateway.answers.append((201, {"sid": "SM42", "status": "queued"}))
    receipt = twilio(gateway).send(sms(sample, expires_at=sample.start + timedelta(minutes=5)), now=sample.start)
    (request,) = gateway.requests
    assert request.path == "/2010-04-01/Accounts/AC0123/Messages.json"
    assert parse_qs(request.body.decode()) == {
        "To": ["+491713920012"], "From": ["+491713920000"], "Body": [TEXT], "ValidityPeriod": ["300"],
    }  # fmt: skip
    assert base64.b64decode(request.headers["authorization"].removeprefix("Basic ")) == b"AC0123:an auth token"
    assert receipt.reference == "SM42"


def test_twilio_messaging_services_and_api_keys(gateway: Any, sample: SimpleNamespace) -> None:
    service = "MG" + "0" * 32
    channel = TwilioSmsChannel("AC0123", "key secret", service, url=gateway.url, user="SK9")
    channel.send(sms(sample, expires_at=sample.start + timedelta(days=14)), now=sample.start)
    (request,) = gateway.requests
    form = parse_qs(request.body.decode())
    assert form["MessagingServiceSid"] == [service] and "From" not in form
    assert form["ValidityPeriod"] == ["36000"]
    assert base64.b64decode(request.headers["authorization"].removeprefix("Basic ")) == b"SK9:key secret"


@pytest.mark.parametrize("make", [generic, twilio])
@pytest.mark.parametrize(
    ("status", "permanent", "handed_over"),
    [
        (302, False, False),
        (400, True, False),
        (401, False, False),
        (403, False, False),
        (404, False, False),
        (422, True, False),
        (429, False, False),
        (500, False, True),
        (502, False, True),
        (503, False, False),
        (504, False, True),
    ],
)
def test_statuses(
    gateway: Any, sample: SimpleNamespace, make: Any, status: int, permanent: bool, handed_over: bool
) -> None:
    gateway.answers.append((status, {"message": TEXT, "to": "+491713920012"}))
    with pytest.raises(DeliveryFailed, match=f"status {status}") as failed:
        make(gateway).send(sms(sample), now=sample.start)
    assert (failed.value.permanent, failed.value.handed_over) == (permanent, handed_over)
    assert "042" not in str(failed.value) and "171392" not in str(failed.value)


@pytest.mark.parametrize(("code", "permanent"), [(21211, True), (21610, True), (21606, False), (20429, False)])
def test_twilio_codes(gateway: Any, sample: SimpleNamespace, code: int, permanent: bool) -> None:
    gateway.answers.append((400, {"code": code, "message": TEXT}))
    with pytest.raises(DeliveryFailed, match=f"code {code}") as failed:
        twilio(gateway).send(sms(sample), now=sample.start)
    assert failed.value.permanent is permanent


def test_twilio_giving_up_at_once_is_no_delivery(gateway: Any, sample: SimpleNamespace) -> None:
    gateway.answers.append((201, {"sid": "SM1", "status": "failed", "error_code": 30006}))
    with pytest.raises(DeliveryFailed, match="30006") as failed:
        twilio(gateway).send(sms(sample), now=sample.start)
    assert failed.value.permanent


@pytest.mark.parametrize("make", [generic, twilio])
@pytest.mark.parametrize(
    "body", [b"", b"OK", b"[1]", b'{"id": {"x": 1}, "sid": []}', b"\xff\xfe", b"[" * 100_000, b"x" * 200_000]
)
def test_an_odd_answer_with_2xx_is_taken(gateway: Any, sample: SimpleNamespace, make: Any, body: bytes) -> None:
    gateway.answers.append((200, body))
    assert make(gateway).send(sms(sample), now=sample.start).reference is None


def test_nobody_there(sample: SimpleNamespace) -> None:
    with pytest.raises(DeliveryFailed, match="could not be reached") as failed:
        JsonSmsChannel("http://127.0.0.1:1/send", timeout=2.0).send(sms(sample), now=sample.start)
    assert not failed.value.handed_over and not failed.value.permanent


@pytest.mark.parametrize("make", [generic, twilio])
def test_a_connection_cut_before_the_answer_leaves_the_message_uncertain(
    gateway: Any, sample: SimpleNamespace, make: Any
) -> None:
    gateway.answers.append(lambda handler: handler.connection.close())
    with pytest.raises(DeliveryFailed) as failed:
        make(gateway).send(sms(sample), now=sample.start)
    assert failed.value.handed_over and not failed.value.permanent
    assert len(gateway.requests) == 1


def test_a_slow_gateway_leaves_the_message_uncertain(gateway: Any, sample: SimpleNamespace) -> None:
    gateway.answers.append(lambda handler: time.sleep(1.5))
    channel = JsonSmsChannel(gateway.url, timeout=0.3)
    with pytest.raises(DeliveryFailed, match="did not say whether it took the message") as failed:
        channel.send(sms(sample), now=sample.start)
    assert failed.value.handed_over


def test_a_gateway_that_trickles_is_left(gateway: Any, sample: SimpleNamespace) -> None:
    def trickle(handler: Any) -> None:
        handler.send_response(200)
        handler.end_headers()
        while True:
            handler.wfile.write(b" ")
            handler.wfile.flush()
            time.sleep(0.1)

    gateway.answers.append(trickle)
    JsonSmsChannel(gateway.url, timeout=1.0).send(sms(sample), now=sample.start)  # its 200 came; the rest is decoration


def test_redirects_are_not_followed(gateway: Any, sample: SimpleNamespace) -> None:
    def elsewhere(handler: Any) -> None:
        handler.send_response(307)
        handler.send_header("Location", gateway.url + "/elsewhere")
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    gateway.answers.append(elsewhere)
    with pytest.raises(DeliveryFailed, match="307"):
        generic(gateway).send(sms(sample), now=sample.start)
    assert len(gateway.requests) == 1


@pytest.mark.parametrize(
    "url", ["http://gateway.example.org/send", "ftp://gateway.example.org", "gateway", "", "https://"]
)
def test_only_encrypted_gateways(url: str) -> None:
    with pytest.raises(UsageError):
        JsonSmsChannel(url)


def test_secrets_are_in_no_repr_and_no_log(
    gateway: Any, sample: SimpleNamespace, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    channel = generic(gateway, token="a bearer token")
    channel.send(sms(sample), now=sample.start)
    twilio(gateway).send(sms(sample), now=sample.start)
    logged = "".join(record.getMessage() for record in caplog.records)
    for secret in ("042 917", "a bearer token", "an auth token", "+491713920012"):
        assert secret not in logged + repr(channel) + repr(twilio(gateway)) + repr(sms(sample))
