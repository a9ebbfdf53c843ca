"""The table of bad bundles: which line of the checklist a case belongs to, what is made, and the reason that must be named."""
import collections

from bundle_forge import Forge
from bundle_site import check_accepted, check_in_order, check_refused

Case = collections.namedtuple("Case", "line name run")
CASES = []


def case(line, name):
    """Registers a function of the sites that runs a case by itself and says what it saw."""
    def register(function):
        CASES.append(Case(line, name, function))
        return function
    return register


def written(site, made, form):
    """The path of what was made: a Forge in one of its forms, or a path as it is."""
    if not isinstance(made, Forge):
        return made
    if form == "rdb":
        return made.write_rdb(site.new_path(".rdb"))
    return made.write_directory(site.new_path(), bare=form == "bare")


def looked_at(site, path, form):
    """Inspecting and verifying a bad bundle are safe too. What `inspect` shows is a claim; the outcome of `verify`."""
    check_in_order(site.redoubt("bundle", "inspect", path))
    trust = ["--key", site.directory / "model.pub.pem"] if form == "bare" else ["--config", site.config]
    verified = site.redoubt("bundle", "verify", path, *trust)
    check_in_order(verified)
    return verified


def refuse(line, name, reason, make, site="site", forms=("rdb", "directory"), verify=True):
    """`make(site)` gives a Forge or a path, or a list of them; each is refused for `reason`. `verify`: by `bundle verify`
    as well, which knows this appliance's trust and floors, and neither its hardware nor what a model has to look like."""
    def run(sites):
        here, inputs, said = sites[site], 0, ""
        for form in forms:
            made = make(here)
            for one in made if isinstance(made, list) else [made]:
                path = written(here, one, form)
                try:
                    said = check_refused(here, path, reason)
                    verified = looked_at(here, path, form)
                    assert not verify or verified.status != 0, f"bundle verify is content: {verified.said.decode(errors='replace')[-400:]}"
                except AssertionError as error:
                    sites.restore(site)  # what got in must not spoil the other cases
                    raise AssertionError(f"as {form}, input {inputs}: {error}") from None
                inputs += 1
        return inputs, said
    CASES.append(Case(line, name, run))


def accept(line, name, make, site="site", forms=("rdb", "directory")):
    """What looks odd and is good, into a copy of the site."""
    def run(sites):
        inputs = 0
        for form in forms:
            here = sites.copy_of(site)
            check_accepted(here, written(here, make(here), form))
            inputs += 1
        return inputs, "accepted"
    CASES.append(Case(line, name, run))


def forged(files=None, **members):
    """The release with other members in its statement, signed as it should be."""
    return lambda site: site.forge(files, **members)


def edited(stage, edit, **members):
    """A Forge one stage of which `edit` changes in place or replaces."""
    def make(site):
        forge = site.forge(**members)
        before = getattr(forge, stage)
        after = edit(before)
        if after is not None:
            assert after != before, f"the edit of {stage} changed nothing"
            setattr(forge, stage, after)
        return forge
    return make


def swapped(old, new):
    """An edit of bytes; `old` must be there."""
    def edit(text):
        assert old in text, (old, text[:300])
        return text.replace(old, new, 1)
    return edit
