"""Which release a target is being brought to, and whether all of it has become stable there.

Kept in the target's own state: a canary may be ended by another process than the one that began it.
"""

from datetime import UTC, datetime

from deploytool.operations.context import Context
from deploytool.record.store import DeployedRelease, TargetState
from deploytool.system.revision import Revision


def begin(context: Context) -> None:
    """Keep which release operations are about from now on.

    What it holds of the images that run already, its commit for example, is known of them from now
    on: that is what a way back to them is checked against.
    """
    state = context.platform.store.load()
    after = state.with_release(_wanted(context))
    after = after.model_copy(update={"stable": _known_anew(context, state)})
    if after != state:
        context.platform.store.save(after)


def arrive(context: Context) -> None:
    """Keep that the release is promoted, if every component is stable as the release has it."""
    state = context.platform.store.load()
    wanted = state.release
    if wanted is None or not all(_is_there(state, wanted, name) for name in wanted.images):
        return
    context.platform.store.save(state.with_promoted(_now()))
    context.say(
        "release-promoted",
        wanted.digest[:12],
        reason=f"every component is stable as of commit {wanted.commit[:12]}",
    )


def runs_other_image(context: Context, stable: Revision) -> bool:
    """Tell whether a revision runs another image than that of the release that is deployed.

    Two builds of the same sources are one revision, and need not be the same bytes.
    """
    if context.release is None:
        return False
    return not stable.runs_image_of(context.release.release.builds[stable.component])


def _wanted(context: Context) -> DeployedRelease | None:
    if context.release is None:
        return None
    release, services = context.release.release, context.system.services
    return DeployedRelease(
        digest=context.release.digest,
        commit=release.commit,
        revisions={name: context.built(name).id for name in services},
        images={name: release.images[name].digest for name in services},
        since=_now(),
    )


def _known_anew(context: Context, state: TargetState) -> dict[str, Revision]:
    """Return what is stable; what the release would not change, as the release knows it."""
    if context.release is None:
        return state.stable
    there = {name: context.built(name) for name in context.system.services if name in state.stable}
    same = {
        name: wanted
        for name, wanted in there.items()
        if wanted.id == state.stable[name].id and not runs_other_image(context, state.stable[name])
    }
    return {**state.stable, **same}


def _is_there(state: TargetState, wanted: DeployedRelease, component: str) -> bool:
    stable = state.stable.get(component)
    if stable is None or stable.id != wanted.revisions[component]:
        return False
    build = stable.released
    return build is not None and build.image.digest == wanted.images[component]


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
