"""Whether a target takes what it is given: decided before anything changes.

A target that demands proof runs nothing that was built here, and nothing that cannot be checked.
"""

from collections.abc import Mapping

from deploytool.errors import CheckFailed, DeployError, InvalidInput
from deploytool.operations.context import Context
from deploytool.operations.deliveries import missing
from deploytool.programs import within
from deploytool.proofs.verification import require_proof, require_release
from deploytool.record.event import Event
from deploytool.record.store import TargetState
from deploytool.system.release import ReleasedBuild, ReleaseFile
from deploytool.system.revision import Revision
from deploytool.system.targets import Proof


def admit(context: Context) -> None:
    """Refuse what the target may not be brought to. The release file is read, and fits, already.

    Raises InvalidInput for a release that is not the one demanded, CheckFailed for an image without
    the proof demanded, PlatformFailed for what cannot be checked.
    """
    file, proof = context.release, context.proof
    if file is None:
        if proof is not None:
            raise _unproved(context.target)
        return
    if proof is not None:
        with within(context.deadline_s):
            require_release(file, proof)
        _require_promoted(context, file, proof)
    with within(context.deadline_s):
        context.platform.require_images()
    if proof is not None:
        with context.timed("verified", str(file.path), action="verify", reason=_told(proof)):
            _verify(context, file.release.builds, proof)
    _tell(context, file)


def admit_revision(context: Context, revision: Revision) -> None:
    """Refuse to go back to a revision without the proof demanded. Raises as `admit` does.

    That its release ended promoted elsewhere was seen when it came here.
    """
    if context.proof is None:
        return
    build = revision.released
    subject = f"{revision.component} {revision.id}"
    if build is None:
        raise CheckFailed(
            f"nothing proves {subject}",
            why=f"{context.target} demands proof, and this revision came from no release",
            note="nothing was changed",
            hint="choose one with --to that came from a release, or go forward with --release",
        )
    with context.timed("verified", subject, action="verify", reason=_told(context.proof)):
        try:
            _verify(context, {revision.component: build}, context.proof)
        except DeployError as error:
            error.note = error.note or "nothing was changed"
            raise


def _verify(context: Context, builds: Mapping[str, ReleasedBuild], proof: Proof) -> None:
    with within(context.deadline_s):
        require_proof(builds, proof)


def _unproved(target: str) -> InvalidInput:
    return InvalidInput(
        f"{target} takes no build of this machine",
        why="targets.yaml demands proof of what runs there, which only a release has",
        hint="push one (`deploytool push REGISTRY --key FILE`), then repeat the command with "
        "--release FILE",
    )


def _require_promoted(context: Context, file: ReleaseFile, proof: Proof) -> None:
    """Raise InvalidInput unless this very release ended promoted on the target it comes after."""
    if proof.after is None:
        return
    state = context.state_of(proof.after)
    if any(each.digest == file.digest for each in state.promoted):
        return
    raise InvalidInput(
        f"this release has not ended promoted on {proof.after}",
        why=f"{context.target} comes after it, and {_position(state, file)}",
        hint=f"`deploytool --target {proof.after} canary --release {file.path}`, then `up` with "
        "the same release for what is left",
        place=file.place(),
    )


def _position(state: TargetState, file: ReleaseFile) -> str:
    if state.release is not None and state.release.digest == file.digest:
        why = missing(state) or "not every component of it is stable"
        return f"there it is on its way, but {why}"
    if not state.promoted:
        return "no release is promoted there"
    latest = state.promoted[0]
    return f"the latest there is {latest.digest[:12]} of commit {latest.commit[:12]}"


def _told(proof: Proof) -> str:
    return f"{', '.join(sorted(proof.require))}, of {proof.repository}"


def _tell(context: Context, file: ReleaseFile) -> None:
    release = file.release
    context.emit(
        Event(
            "release",
            object=str(file.path),
            reason=f"{file.digest[:12]}, made of commit {release.commit[:12]}",
            details={
                "digest": file.digest,
                "repository": release.repository,
                "commit": release.commit,
                "images": {name: image.image for name, image in release.images.items()},
            },
        )
    )
