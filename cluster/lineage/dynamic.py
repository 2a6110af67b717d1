"""Names and statements that stand in texts: EXECUTE, sp_executesql, IDENTIFIER."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from sqlglot import exp
from sqlglot.tokenizer_core import TokenType

from cluster.lineage.split import Tokens, word

LONGEST_TEXT: Final = 100_000
_VERBS: Final = ("INSERT ", "SELECT ", "UPDATE ", "DELETE ", "MERGE ", "CREATE ")
_WRAPPED: Final = ("IMMEDIATE", "SP_EXECUTESQL", "(", "'", "N'", "FORMAT")
TEXTS: Final = (TokenType.STRING, TokenType.NATIONAL_STRING, TokenType.HEREDOC_STRING, TokenType.RAW_STRING)
_PREPARED: Final = re.compile(r"(?i)\w+\s+FROM\s+'")
_QUOTED: Final = re.compile(r"'((?:[^']|'')*)'?")
_BLANKS: Final = re.compile(r"%(?:\d+\$)?[sIL]")


def dynamic_texts(tokens: Tokens, known: Mapping[str, str]) -> Iterator[str]:
    """The scripts that a statement runs which stands in a text, or in a variable that was given one (`known`)."""
    formatted = any("FORMAT" in token.text.upper() for token in tokens)
    for token in tokens:
        if _moves(token.text):
            text = _unwrapped(token.text.strip())
            yield _BLANKS.sub(_filled, text) if formatted else text
        else:
            for name in re.findall(r"\w+", token.text.lower())[:8]:
                if name in known:
                    yield known[name]


def _unwrapped(text: str) -> str:
    """The text in quotes that is run, without what is handed to it, as in format('...', x)."""
    if not (text.upper().startswith(_WRAPPED) or _PREPARED.match(text)) or "'" not in text:
        return text
    parts: list[str] = []
    end = -1
    for found in _QUOTED.finditer(text):
        if end >= 0 and text[end : found.start()].strip(" \t\r\n|+N") != "":
            break
        parts.append(found[1].replace("''", "'"))
        end = found.end()
    return "".join(parts)


def _filled(found: re.Match[str]) -> str:
    """format('... %s'): what is put in is not known."""
    return "x" if found[0].endswith("I") else "NULL"


def text_given(tokens: Tokens, variables: Sequence[str], known: Mapping[str, str]) -> dict[str, str]:
    """A variable and the statement in its text, where one is assigned or added to: by its name in small letters."""
    if not tokens or tokens[-1].token_type not in TEXTS:
        return {}
    text = tokens[-1].text
    if variables and len(tokens) == 1:
        found = {variables[0].lower().lstrip("@"): text}
    elif len(tokens) > 2 and word(tokens, 0) in ("SET", "SELECT") and word(tokens, len(tokens) - 2) in ("=", "+"):
        name, added = _added_to(tokens)
        before = known.get(name, "") if added else ""
        found = {name: before + text} if name and len(before) < LONGEST_TEXT else {}
    else:
        return {}
    return {name: text for name, text in found.items() if name in known or _moves(text)}


def _added_to(tokens: Tokens) -> tuple[str, bool]:
    """The variable of SET @a = 'x', and whether the text is added, as in @a = @a + 'x' and @a += 'x'."""
    words = [token.text.lower() for token in tokens[1:-1] if token.text != "@"]
    if len(words) == 2 and words[1] == "=":
        return words[0], False
    return (words[0], True) if words in ([words[0], "=", words[0], "+"], [words[0], "+", "="]) else ("", False)


def _moves(text: str) -> bool:
    return any(verb in text.upper() for verb in _VERBS)


def named_outright(nodes: list[exp.Expr | None], tokens: Tokens, dialect: str) -> list[exp.Expr | None]:
    """Statements in which IDENTIFIER('s.t') is the table s.t."""
    if not any(word(tokens, place) == "IDENTIFIER" for place in range(len(tokens))):
        return nodes
    for node in nodes:
        for each in list(node.find_all(exp.DynamicIdentifier)) if node is not None else ():
            if isinstance(each.parent, exp.Table) and isinstance(each.this, exp.Literal):
                table = exp.to_table(each.this.name, dialect=dialect)
                for part in ("this", "db", "catalog"):
                    each.parent.set(part, table.args.get(part))
    return nodes
