#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Write what other files repeat of uapi/vhost_alt.h into them.

usage: generate.py

In vhost_alt.yaml: the attributes of counters and drops, and the documentation of
all attributes, states and commands. In tools/vhostctl.schema.json: the names of
counters and drops. Run it after a change of the header; verify fails if it was
forgotten.
"""
import os
import re
import sys
import textwrap

TOP = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))

# The enum of the header for each list of the specification.
ENUMS = {
    "queue-state": "vhost_alt_queue_state",
    "main": "vhost_alt_attr",
    "worker": "vhost_alt_worker_attr",
    "entry": "vhost_alt_entry_attr",
    "desc": "vhost_alt_desc_attr",
    "counters": "vhost_alt_counter",
    "drops": "vhost_alt_drop",
    "operations": "vhost_alt_cmd",
}
PREFIXES = {
    "vhost_alt_attr": "VHOST_ALT_A_",
    "vhost_alt_worker_attr": "VHOST_ALT_WORKER_",
    "vhost_alt_entry_attr": "VHOST_ALT_ENTRY_",
    "vhost_alt_desc_attr": "VHOST_ALT_DESC_",
    "vhost_alt_counter": "VHOST_ALT_COUNTER_",
    "vhost_alt_drop": "VHOST_ALT_DROP_",
    "vhost_alt_cmd": "VHOST_ALT_CMD_",
    "vhost_alt_queue_state": "VHOST_ALT_QUEUE_",
}
# The list macro for each list of the specification that has one.
LISTS = {"counters": "VHOST_ALT_COUNTERS", "drops": "VHOST_ALT_DROPS"}

# The type of an attribute, as its kernel-doc begins.
TYPE = re.compile(r"(u32|u64|flag|string|nest of enum \w+|nest of u64 by enum \w+|"
                  r"nest of u64), (.*)")


def spelled(name):
    """A name as the specification spells it."""
    return name.lower().replace("_", "-")


def sentence(text):
    text = text[0].upper() + text[1:]
    return text if text[-1] in ".?!" else text + "."


class Header:
    """What uapi/vhost_alt.h defines."""

    def __init__(self, text):
        self.text = text
        # By list of the specification: (NUMBER, name, description) each.
        self.lists = {name: self._list(macro) for name, macro in LISTS.items()}
        self.docs = self._docs()

    def _list(self, macro):
        body = re.search(r"^#define %s\(X\)(.*?[^\\])\n" % macro, self.text,
                         re.S | re.M)[1]
        entries = re.findall(r'X\((\w+), (\w+),\s*\\\n\s*"([^"]*)"\)', body)
        assert len(entries) == len(re.findall(r"\bX\(", body)), macro
        return entries

    def _docs(self):
        """Kernel-doc: what each @member and each summary says."""
        docs = {}
        for comment in re.findall(r"^/\*\*\n(.*?)^ \*/", self.text, re.S | re.M):
            first, _, rest = comment.partition("\n")
            name, summary = re.match(r" \* (?:enum )?(\w+)(?:\(\))? - (.*)",
                                     first).groups()
            docs[name] = summary
            rest = rest.partition("\n *\n")[0] + "\n"
            for member, text in re.findall(r"^ \* @(\w+): (.*?)(?=^ \* @|\Z)",
                                           rest, re.S | re.M):
                docs[member] = re.sub(r"\n \*\s+", " ", text).strip()
        return docs

    def enum(self, name):
        """The members of an enum, spelled as in the specification, and values."""
        body = re.search(r"^enum %s \{(.*?)^\};" % name, self.text,
                         re.S | re.M)[1]
        for key, macro in LISTS.items():
            members = "".join("%s%s," % (PREFIXES[name], entry[0])
                              for entry in self.lists[key])
            body = re.sub(r"%s\(\w+\)" % macro, members, body)
        value, names = 0, {}
        for member, given in re.findall(r"(\w+)(?:\s*=\s*(\w+))?\s*,", body):
            value = int(given, 0) if given else value
            short = member.removeprefix(PREFIXES[name])
            if short != "UNSPEC" and not short.startswith("__"):
                names[spelled(short)] = value
            value += 1
        return names

    def member(self, key, name):
        """(type, description) of a member of a list; no type is ""."""
        for number, _, what in self.lists.get(key, []):
            if spelled(number) == name:
                return "u64", what
        text = self.docs[PREFIXES[ENUMS[key]] + name.upper().replace("-", "_")]
        typed = TYPE.match(text)
        return typed.groups() if typed else ("", text)

    def summary(self, key):
        return self.docs[LISTS.get(key) or ENUMS[key]]


def documentation(indent, text):
    lines = textwrap.wrap(sentence(text), 70 - len(indent),
                          break_on_hyphens=False, break_long_words=False)
    return indent + "doc: |\n" + "".join("%s  %s\n" % (indent, line)
                                         for line in lines)


def describe(entry, indent, text):
    """Replace the doc of a list's entry, or add one after its type."""
    entry = re.sub(r"^%sdoc:.*\n(?:%s .*\n)*" % (indent, indent), "", entry,
                   flags=re.M)
    key = "type" if re.search(r"^%stype:" % indent, entry, re.M) else "name"
    return re.sub(r"^%s%s: .*\n" % (indent, key),
                  lambda m: m[0] + documentation(indent, text), entry,
                  count=1, flags=re.M)


def entries(text, indent, fn):
    """Replace each entry of a list by fn(name, entry)."""
    entry = r"^I-\n(?:I  .*\n)*".replace("I", indent)
    name = re.compile("^%s  name: (.*)" % indent, re.M)
    return re.sub(entry, lambda m: fn(name.search(m[0])[1], m[0]), text,
                  flags=re.M)


def attributes_of_list(header, key):
    text = "      -\n        name: pad\n        type: pad\n"
    for number, _, what in header.lists[key]:
        text += "      -\n        name: %s\n        type: u64\n" % spelled(number)
        text += documentation(" " * 8, what)
    return text


def generate_set(header, key, text):
    if key not in ENUMS:
        return text
    head, attributes, rest = text.partition("    attributes:\n")
    # Lists of flags and of attributes look the same, but for this word.
    if not attributes:
        head, attributes, rest = text.partition("    entries:\n")
    if key in LISTS:
        rest = attributes_of_list(header, key)
    else:
        rest = entries(rest, " " * 6, lambda name, entry: entry
                       if name == "pad" else
                       describe(entry, " " * 8, header.member(key, name)[1]))
    if attributes == "    attributes:\n":
        head = re.sub(r"^    doc: .*\n", "    doc: %s\n" %
                      sentence(header.summary(key)), head, flags=re.M)
    return head + attributes + rest


def generate_section(header, text):
    if text.startswith("operations:"):
        return entries(text, " " * 4, lambda name, entry: describe(
            entry, " " * 6, header.member("operations", name)[1]))
    if text.startswith(("definitions:", "attribute-sets:")):
        return entries(text, "  ", lambda name, entry: generate_set(
            header, name, entry))
    return text


def generate_spec(header, text):
    # A blank line ends a section.
    return "\n".join(generate_section(header, section + "\n")
                     for section in text.removesuffix("\n").split("\n\n"))


def schema_object(indent, key, names):
    one = indent + "\t"
    properties = ",\n".join('%s\t"%s": {"$ref": "#/$defs/u64"}' % (one, name)
                            for name in names)
    required = textwrap.fill(", ".join('"%s"' % name for name in names), 56,
                             initial_indent=one + "\t",
                             subsequent_indent=one + "\t")
    return ('%s"%s": {\n%s"type": "object",\n%s"properties": {\n%s\n%s},\n'
            '%s"required": [\n%s\n%s],\n%s"additionalProperties": false\n%s}' %
            (indent, key, one, one, properties, one, one, required, one, one,
             indent))


def generate_schema(header, text):
    for key, entries_of_list in header.lists.items():
        names = [name for _, name, _ in entries_of_list]
        text = re.sub(r'^(\t+)"%s": \{\n.*?^\1\}' % key,
                      lambda m, k=key, n=names: schema_object(m[1], k, n),
                      text, flags=re.S | re.M)
    return text


# What is generated, and how.
GENERATED = {
    "netlink/vhost_alt.yaml": generate_spec,
    "tools/vhostctl.schema.json": generate_schema,
}


def read(path):
    with open(os.path.join(TOP, path), encoding="utf-8") as text:
        return text.read()


def main():
    if len(sys.argv) != 1:
        sys.exit(__doc__)
    header = Header(read("uapi/vhost_alt.h"))
    for path, generate in GENERATED.items():
        old = read(path)
        new = generate(header, old)
        if new != old:
            with open(os.path.join(TOP, path), "w", encoding="utf-8") as text:
                text.write(new)
            print("changed " + path)


if __name__ == "__main__":
    main()
