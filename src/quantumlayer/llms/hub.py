"""Fetches a GGUF file from the model hub, whole and checked, or not at all."""

from pathlib import Path

from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url
from huggingface_hub.errors import EntryNotFoundError, GatedRepoError, HfHubHTTPError, RepositoryNotFoundError

from quantumlayer.errors import EnvironmentError_, UserError
from quantumlayer.llms.gguf import digest_of_file

SHA256_LENGTH = 64


def fetch_model(place: str, folder: Path, sha256: str | None = None) -> tuple[Path, str]:
    """The file `OWNER/REPOSITORY/FILE` of the hub in a folder, with its SHA-256; goes on where an earlier try ended.

    The digest is held against the one given and the one that the hub announces. Progress goes to stderr. Raises `UserError`
    for a place that is not there, `EnvironmentError_` when the hub cannot be reached or the bytes are others.
    """
    owner, _, rest = place.partition("/")
    repository, _, name = rest.partition("/")
    if not name:
        raise UserError(f"{place!r} is no place on the hub", hint="write OWNER/REPOSITORY/FILE.gguf")
    try:
        announced = get_hf_file_metadata(hf_hub_url(f"{owner}/{repository}", name)).etag or ""
        path = Path(hf_hub_download(f"{owner}/{repository}", name, local_dir=folder))
    except GatedRepoError as error:
        raise UserError(f"{place} asks for consent", hint="give it on the hub's page, and set HF_TOKEN") from error
    except (EntryNotFoundError, RepositoryNotFoundError) as error:
        raise UserError(f"the hub has no {place}", hint="check the spelling, and HF_TOKEN where it is private") from error
    except (HfHubHTTPError, OSError) as error:
        raise EnvironmentError_(
            f"the model hub does not give {place}: {type(error).__name__}",
            hint="on a machine without a connection name a file instead: ql model add local PATH.gguf",
        ) from error
    digest = digest_of_file(path)
    expected = {wanted for wanted in (sha256, announced if len(announced) == SHA256_LENGTH else None) if wanted}
    if expected - {digest}:
        path.unlink()
        raise EnvironmentError_(
            f"{place} arrived with the SHA-256 {digest} instead of {', '.join(sorted(expected - {digest}))}",
            hint="it was removed; fetch it again, and do not trust the source if that happens twice",
        )
    return path, digest
