"""Routes of credentials, and of the master keys that they are sealed with."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Response
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from actors.sources import queries
from actors.sources.contract import (
    DropKey,
    KeyRingView,
    RotateCredential,
    RotateKeys,
    SetCredential,
    SourceView,
    TestView,
)
from cluster.context import Caller
from cluster.security.credentials import CredentialView
from serve.http.doors import Access
from serve.http.identity import Writer, permitted
from serve.http.pages import Id

router = APIRouter(tags=["sources"])
MayRead = Annotated[Caller, Depends(permitted("sources:read"))]
KeyId = Annotated[str, Path(pattern=r"^[0-9a-f]{16}$", examples=["0011223344556677"])]


class NewCredential(BaseModel):
    """A credential in the connector's own fields, such as username and password. It is encrypted and never returned.

    A field may say where its secret is: `ref+env://SEXTANT_SECRET_X`, `ref+file://name`, `ref+vault://mount/path#/key`,
    `ref+awssecrets://name#/key`, `ref+azurekeyvault://vault/name`, `ref+gcpsecrets://project/name`.
    """

    model_config = ConfigDict(extra="forbid")

    credential: dict[str, SecretStr] = Field(max_length=20, examples=[{"username": "reader", "password": "..."}])
    expires_at: datetime | None = Field(None, description="When the source will refuse it, where that is known.")


class KeyRotation(BaseModel):
    """What to make new: a master key, and the data key of every credential."""

    model_config = ConfigDict(extra="forbid")

    new_master_key: bool = False
    new_data_keys: bool = False


@router.get("/sources/{source_id}/credential", operation_id="get_credential", summary="Read what a credential is")
def get(source_id: Id, doors: Access, caller: MayRead) -> CredentialView:
    """Its fields, which of them are references, when it was set and when it expires; never a value."""
    with doors.reading() as session:
        return queries.credential(session, source_id)


@router.put("/sources/{source_id}/credential", operation_id="set_credential", summary="Replace the credential")
async def put(source_id: Id, body: NewCredential, doors: Access, caller: Writer) -> SourceView:
    """Encrypts and stores a new credential, which serves from the next task on, also in scans under way."""
    command = SetCredential(source_id=source_id, credential=body.credential, expires_at=body.expires_at)
    return await doors.send(command, caller)


@router.post(
    "/sources/{source_id}/credential/rotation", status_code=202, operation_id="rotate_credential",
    summary="Try a new credential, then put it in place",
)  # fmt: skip
async def rotate(source_id: Id, body: NewCredential, response: Response, doors: Access, caller: Writer) -> TestView:
    """Starts a connection test with it; follow `Location`. The old one serves until the test has passed."""
    command = RotateCredential(source_id=source_id, credential=body.credential, expires_at=body.expires_at)
    view = await doors.send(command, caller)
    response.headers["Location"] = f"/api/v1/sources/{source_id}/tests/{view.id}"
    return view


@router.get("/master-keys", operation_id="list_master_keys", summary="List the master keys")
def keys(doors: Access, caller: MayRead) -> KeyRingView:
    """Ids of the master keys, the current one first, and how many credentials and secrets of open orders each wraps."""
    with doors.reading() as session:
        return queries.key_ring(session)


@router.post("/master-keys/rotation", operation_id="rotate_master_keys", summary="Wrap all credentials anew")
async def rotate_keys(body: KeyRotation, doors: Access, caller: Writer) -> KeyRingView:
    """Wraps every credential with the current master key, or with a new one that is made first."""
    command = RotateKeys(new_master_key=body.new_master_key, new_data_keys=body.new_data_keys)
    return await doors.send(command, caller)


@router.delete("/master-keys/{key_id}", operation_id="drop_master_key", summary="Take a master key away")
async def drop(key_id: KeyId, doors: Access, caller: Writer) -> KeyRingView:
    """409 for the current one, and for one that still wraps a credential."""
    return await doors.send(DropKey(key_id=key_id), caller)
