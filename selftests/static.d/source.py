# SPDX-License-Identifier: GPL-2.0-only
"""C sources as the checks see them: files, comments, functions, declarations.

This is no parser: it relies on the kernel's style, in which a function's braces
stand in the first column, and checkpatch sees to that.
"""
import glob
import re

TOKEN = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'',
                   re.S)
ATTRIBUTES = "attribute__|printf|scanf|must_hold|acquires?|releases?|cond_acquires|aligned|section"
NOT_A_NAME = re.compile(rf"__({ATTRIBUTES})$|[A-Z0-9_]+$|(if|for|while|switch|sizeof)$")


def module_files(ending="[ch]"):
    """The module's own sources, from the top of the tree."""
    return sorted(glob.glob("*." + ending) + glob.glob("uapi/*." + ending))


def blank(text):
    """The same lines and columns with nothing in them."""
    return re.sub(r"[^\n]", " ", text)


class Function:
    """A definition: its name, lines, body, and the comment directly above."""

    def __init__(self, file, first, opening, last):
        self.file = file
        self.line = first + 1
        self.lines = last - first + 1
        self.head = "\n".join(file.code_lines[first:opening])
        self.body = "\n".join(file.code_lines[opening:last + 1])
        self.comment = file.comment_above(first)
        names = re.findall(r"(\w+)\s*\(", self.head)
        self.name = next((n for n in names if not NOT_A_NAME.match(n)), "")
        self.static = re.search(r"\bstatic\b", self.head) is not None


class File:
    """A source file, with its comments and its code apart."""

    def __init__(self, path):
        self.path = path
        with open(path, encoding="utf-8", errors="replace") as file:
            self.text = file.read()
        self.comments = []
        self.code = TOKEN.sub(self._token, self.text)
        self.code_lines = self.code.split("\n")

    def _token(self, match):
        token = match.group()
        if token[0] != "/":
            return token[0] + blank(token[1:-1]) + token[-1]
        line = self.text.count("\n", 0, match.start()) + 1
        self.comments.append((line, token))
        return blank(token)

    def comment_above(self, index):
        """The comment that ends in the line before INDEX, as one line of text."""
        for line, token in self.comments:
            if line - 1 + token.count("\n") + 1 == index:
                return re.sub(r"\s+", " ", re.sub(r"(?m)^\s*\*+/?|/\*+|\*/", " ",
                                                  token)).strip()
        return ""

    def functions(self):
        """All that are defined here."""
        found = []
        for opening, line in enumerate(self.code_lines):
            if line.rstrip() != "{":
                continue
            first = opening
            while first and not self.code_lines[first - 1].strip():
                first -= 1
            while first and self._in_head(first - 1):
                first -= 1
            last = next((n for n in range(opening, len(self.code_lines))
                         if self.code_lines[n].startswith("}")), None)
            if last is None:
                continue
            function = Function(self, first, opening, last)
            if function.name:
                found.append(function)
        return found

    def _in_head(self, index):
        """Whether a line belongs to the head of a function that goes on below it."""
        line, before = self.code_lines[index], self.code_lines[max(index - 1, 0)]
        return (re.match(r"\s*[^\s#}]", line) and not re.search(r"[;}\\]\s*$", line) and
                not before.endswith("\\"))

    def tags(self):
        """(line, kind, name) of each struct, enum and union that is defined."""
        return [(self.code.count("\n", 0, m.start()) + 1, m.group(1), m.group(2))
                for m in re.finditer(r"^(struct|enum|union) (\w+) \{", self.code, re.M)]

    def prototypes(self):
        """(line, name) of each function that is declared without a body."""
        outside, depth = [], 0
        for line in self.code_lines:
            kept = "" if line.lstrip().startswith("#") else line
            text = ""
            for char in kept:
                depth -= char == "}"
                text += char if not depth else " "
                depth += char == "{"
            outside.append(text)
        found = []
        for match in re.finditer(r"^(?!static\b|typedef\b)(\w[^;{}()]*?[\s*](\w+))\(",
                                 "\n".join(outside), re.M):
            if not NOT_A_NAME.match(match.group(2)):
                line = "\n".join(outside).count("\n", 0, match.start(2)) + 1
                found.append((line, match.group(2)))
        return found
