"""Which release a target is being brought to, and whether all of it has become stable there.

Kept in the target's own state: a canary may be ended by another process than the one that began it.
"""

from datetime import UTC, datetime

from deploytool.operations.context import Context
from deploytool.record.store import DeployedRelease, TargetState
from deploytool.system.revision import Revision


def begin(context: Context) -> None:
    """Keep which release operations are about from now on.

    Images that run already are known from now on as the release describes them, by its commit for
    example: a way back to them is checked against that.
    """
    state = context.platform.store.load()
    after = state.with_release(_wanted(context))
    after = after.model_copy(update={"stable": _known_anew(context, state)})
    if after != state:
        context.platform.store.save(after)


def arrive(context: Context, concluded: str | None = None) -> None:
    """Keep that the release is promoted, if every component is stable as the release has it.

    So it is not while something is wrong, or undone, that came after one of its promotions.
    concluded: the component whose promotion ends well with this, which is kept at the same time.
    """
    store = context.platform.store
    before = store.load()
    state = before.with_conclusion(concluded) if concluded else before
    wanted = state.release
    is_there = wanted is not None and all(_is_there(state, wanted, name) for name in wanted.images)
    why = missing(state)
    after = state.with_promoted(_now()) if is_there and not why else state
    if after != before:
        store.save(after)
    if wanted is None or not is_there:
        return
    if why:
        context.say("note", wanted.digest[:12], reason=f"the release has not arrived: {why}")
        return
    context.say(
        "release-promoted",
        wanted.digest[:12],
        reason=f"every component is stable as of commit {wanted.commit[:12]}",
    )


def missing(state: TargetState) -> str:
    """Return what keeps what is stable from counting as promoted, "" if nothing does."""
    if (left := state.concluding) is not None:
        return (
            f"run {left.run} promoted {left.component}, and was killed before its end; "
            "`deploytool resume` completes it"
        )
    faults = (
        f"after {component} was promoted: {why}; another canary of it that ends well settles that"
        for component, why in state.flawed.items()
    )
    return "; ".join(faults)


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
