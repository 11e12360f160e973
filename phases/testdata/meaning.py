"""What Python makes of a tree: which modules can be imported, what their names
are, and what the references in a file lead to.

look(stage) runs in a child process, in the tree of one stage, and returns plain
data; differences() compares the data of two stages. Names of modules count as
what the plan makes of them, so that what is the same object is the same.
"""

import ast
import collections
import contextlib
import importlib
import importlib.util
import io
import os
import re
import sys
import tokenize
import types

MISSING = object()


class Names:
    """The names that the plan does away with."""

    def __init__(self, stage):
        self.roots = [os.path.relpath(p, stage["dir"]) for p in stage["paths"]]
        self.moved = {}
        for old, new in stage["moved"]:
            if old.endswith(".py") and new.endswith(".py"):
                self.moved[self.dotted(old)] = self.dotted(new)
        self.replaced = {self.dotted(p) for p in stage["replaced"]}
        self.olds = {p.rstrip("/") for p in stage["olds"]}
        self.olds |= {self.dotted(p) for p in self.olds} | {"src." + self.dotted(p) for p in self.olds}

    def dotted(self, path):
        """The module that a file or folder is, or a name that is dotted already."""
        path = path.removesuffix("/").removesuffix(".py").removesuffix(".pyi").removesuffix("/__init__")
        for root in sorted(self.roots, key=len, reverse=True):
            if path.startswith(root + "/"):
                path = path[len(root) + 1 :]
                break
        return path.replace("/", ".").replace(":", ".")

    def rename(self, name):
        """What a module is called after the plan; "*" if something replaces it."""
        for root in self.roots:
            name = name.removeprefix(root.replace("/", ".") + ".")
        if within(name, self.replaced):
            return "*"
        return self.moved.get(name, name)

    def old(self, token):
        """Whether a word of text names what the plan touches."""
        token = re.sub(r"^[./]+|[./]+$", "", token).replace(":", ".")
        return any(f".{old}." in f".{token}." or f"/{old}/" in f"/{token}/" or os.path.basename(old) in re.split(r"[./]", token) for old in self.olds)


def within(name, those):
    return any(name == at or name.startswith(at + ".") for at in those)


# What objects are


def describe(value, names):
    """Says which object a value is, in a way that holds in another process."""
    if is_module(value):
        name = names.rename(value.__name__)
        return "module " + name
    home = name = None
    with contextlib.suppress(Exception):
        home, name = value.__module__, value.__qualname__
    if isinstance(home, str) and isinstance(name, str):
        home = names.rename(home)
        return "*" if home == "*" or within(home + "." + name, names.replaced) else f"{home}:{name}"
    if type(value) in (bool, int, float, bytes, type(None)):
        return repr(value)
    if type(value) is str and not re.search("[./:]", value):
        return repr(value)
    return "a " + type(value).__qualname__


def is_module(value):
    """Like isinstance, but asks no proxy what it stands for."""
    return issubclass(type(value), types.ModuleType)


def module(name):
    """The module of that name, or MISSING."""
    try:
        return importlib.import_module(name)
    except BaseException:
        return MISSING


def member(of, name):
    """An attribute of a module, or its submodule of that name."""
    with contextlib.suppress(Exception):
        return getattr(of, name)
    if hasattr(of, "__path__") or of.__name__ in sys.modules:
        return module(of.__name__ + "." + name)
    return MISSING


def follow(value, rest, names, last=""):
    """Says where a chain of attributes leads: through modules, as far as they
    go, and then by the names of attributes alone."""
    rest = list(rest)
    while rest and is_module(value):
        home, last = value.__name__, rest.pop(0)
        value = member(value, last)
        if not is_module(value) and within(names.rename(home) + "." + last, names.replaced):
            return ["*"]
    if value is MISSING:
        return ["?", last, *rest]
    what = describe(value, names)
    if what == "*":
        return ["*"]
    if last.startswith("__"):
        return [last, *rest]
    return [what, *rest] if ":" in what or what.startswith("module ") else [last, what, *rest]


def surveyed(file, names):
    """What a module has after it is imported by itself; None if it fails."""
    name = names.dotted(file)
    forget()
    path, hooks = list(sys.path), list(sys.meta_path)
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            spec = None if name in sys.modules else importlib.util.find_spec(name)
            if spec and spec.origin != os.path.abspath(file):
                return {"error": "Python takes another file for " + name}
            found = importlib.import_module(name)
    except BaseException as e:
        return {"error": f"{type(e).__name__}: {e}"}
    finally:
        sys.path[:], sys.meta_path[:] = path, hooks
    have = {}
    for key, value in list(vars(found).items()):
        implicit = is_module(value) and value.__name__ in (key, f"{found.__name__}.{key}")
        if not (key.startswith("__") and key.endswith("__")) and not implicit:
            have[key] = describe(value, names)
    return {"name": names.rename(found.__name__), "names": have}


OWN = set(sys.modules)


def forget():
    """Forgets what was imported from the tree."""
    here = os.getcwd() + os.sep
    files = {n: getattr(m, "__file__", None) or "" for n, m in sys.modules.items() if n not in OWN}
    tops = {n.partition(".")[0] for n, at in files.items() if at.startswith(here)}
    for name, at in files.items():
        if name.partition(".")[0] in tops or not at:
            del sys.modules[name]


# What a file says


class Scope:
    def __init__(self, parent=None, function=True):
        self.parent, self.function = parent, function
        self.imports, self.others, self.outer = {}, set(), set()
        self.given, self.count = {}, collections.Counter()  # values of names, and how often they are assigned to

    def stars(self):
        return self.parent.stars() if self.parent else [node for node, _, _ in self.imports.get("*", [])]

    def find(self, name):
        at = self
        while at is not None:
            if (at.function or at is self) and name not in at.outer and (name in at.imports or name in at.others):
                return at
            at = at.parent
        return None


class Shape(ast.NodeVisitor):
    """Reads a file: its code without imports, with chains that start at an
    imported module as where they lead, and with strings taken out. The imports
    are listed by the block in which they stand."""

    def __init__(self, file, names):
        self.names = names
        self.file = file
        self.package = names.dotted(file)
        if os.path.basename(file) != "__init__.py":
            self.package = self.package.rpartition(".")[0]
        with open(file, "rb") as f:
            self.source = f.read()
        self.code, self.strings, self.blocks = [], [], []

    def read(self):
        tree = ast.parse(self.source)
        self.scope = Scope()
        bind(tree.body, self.scope)
        self.visit(tree)
        return {"code": self.code, "strings": self.strings, "blocks": self.blocks, "comments": comments(self.source)}

    def body(self, statements):
        imports, here = [], 0
        for s in statements:
            if isinstance(s, ast.Import | ast.ImportFrom):
                imports += [[here, *what] for what in self.imported(s)]
            elif not isinstance(s, ast.Pass):
                here += 1
        self.blocks.append(imports)
        for s in statements:
            if not isinstance(s, ast.Import | ast.ImportFrom | ast.Pass):
                self.visit(s)
            if not self.scope.function:  # a class body reads a name of the module until it binds it
                bind([s], self.scope)

    def imported(self, s):
        if isinstance(s, ast.Import):
            for a in s.names:
                yield a.asname or "", [a.name] if module(a.name) is MISSING else [describe(module(a.name), self.names)]
            return
        base = self.absolute(s)
        for a in s.names:
            if a.name == "*":
                yield "*", follow(module(base), [], self.names, base)
            else:
                yield a.asname or a.name, self.origin((base, a.name), [])

    def absolute(self, s):
        if not s.level:
            return s.module
        parts = self.package.split(".")[: len(self.package.split(".")) - s.level + 1]
        return ".".join(parts + ([s.module] if s.module else []))

    def origin(self, source, rest):
        base, name = source
        start = module(base)
        if start is MISSING:
            return ["?", self.names.rename(base), *([name] if name else []), *rest]
        return follow(start, [name, *rest] if name else rest, self.names, base)

    def generic_visit(self, node):
        self.code.append(type(node).__name__)
        for field, value in ast.iter_fields(node):
            if isinstance(value, list) and value and isinstance(value[0], ast.stmt):
                self.code.append(field)
                self.body(value)
            elif isinstance(value, list):
                self.code.append(f"{field} {len(value)}")
                for v in value:
                    self.visit(v) if isinstance(v, ast.AST) else self.code.append(repr(v))
            elif isinstance(value, ast.AST):
                self.visit(value)
            elif field not in ("kind", "type_comment"):
                self.code.append(f"{field} {value!r}")

    def inner(self, node, function, before, parts):
        self.code.append(type(node).__name__ + " " + getattr(node, "name", ""))
        outer = self.scope
        for field in before:
            value = getattr(node, field, None)
            if field == "args" and hasattr(node, "type_params"):
                value = [*node.args.defaults, *node.args.kw_defaults, node.args]
                node.args.defaults, node.args.kw_defaults = [], []
            for v in value if isinstance(value, list) else [value]:
                if field != "decorator_list" and not isinstance(v, ast.expr) or field in ("bases", "returns"):
                    self.scope = typed(node, outer)
                if v is not None:
                    self.visit(v)
                self.scope = outer
        self.scope = Scope(typed(node, outer), function)
        parts(self.scope)
        self.scope = outer

    def visit_FunctionDef(self, node):
        def parts(scope):
            bind([node.args], scope)
            bind(node.body, scope)
            self.body(node.body)

        self.inner(node, True, ["decorator_list", "args", "returns"], parts)

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_ClassDef(self, node):
        def parts(scope):
            self.body(node.body)

        self.inner(node, False, ["decorator_list", "bases", "keywords"], parts)

    def visit_Lambda(self, node):
        def parts(scope):
            bind([node.args], scope)
            bind([node.body], scope)
            self.visit(node.body)

        self.inner(node, True, ["args"], parts)

    def visit_ListComp(self, node):
        def parts(scope):
            for g in node.generators:
                bind([g.target], scope)
            first.iter = ast.Pass()  # read in the scope around
            self.generic_visit(node)

        first = node.generators[0]
        self.visit(first.iter)
        self.inner(node, True, [], parts)

    visit_SetComp = visit_DictComp = visit_GeneratorExp = visit_ListComp

    def chain(self, node):
        name, rest = chained(node)
        if top := imported_top(node):
            self.visit(top)
            self.code.append(["chain", type(node.ctx).__name__, self.origin((top.args[0].value.partition(".")[0], ""), rest)])
            return True
        if name is None or not rest and not isinstance(node.ctx, ast.Load):
            return False
        found = self.leads(name, rest, self.scope)
        if found:
            self.code.append(["chain", type(node.ctx).__name__, found])
        return bool(found)

    def leads(self, name, rest, scope, depth=0):
        """Where a chain leads that starts at an imported module, or at a name
        that is given one and nothing else; None if it does not."""
        at = scope.find(name)
        sources = at.imports.get(name, []) if at else [(node, name, False) for node in scope.stars()]
        if at and name in at.others:
            given, more = chained(at.given.get(name))
            start = depth < 10 and at.count[name] == 1 and given and self.leads(given, more, at, depth + 1)
            return self.leads(given, more + rest, at, depth + 1) if start and start[0].startswith("module ") else None
        for base, member, plain in sources:
            base = base if plain else self.absolute(base)
            start = self.origin((base, member), [])
            if start[0] == "?" and at or start[0].startswith("module "):
                return self.origin((base, member), rest)
        return None

    def visit_Attribute(self, node):
        if not self.chain(node):
            self.generic_visit(node)

    def visit_Name(self, node):
        if not self.chain(node):
            self.generic_visit(node)

    def visit_Constant(self, node):
        if isinstance(node.value, str):
            self.strings.append([node.lineno, node.value, told(node.value, self.names)])
            self.code.append("str")
        else:
            self.generic_visit(node)


def imported_top(node):
    """The call __import__("a.b") that a chain starts at, None if it is no such."""
    while isinstance(node, ast.Attribute):
        node = node.value
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "__import__" and len(node.args) == 1 and not node.keywords:
        return node if isinstance(getattr(node.args[0], "value", None), str) else None
    return None


def typed(node, scope):
    """The scope of the type parameters of a function or class (PEP 695)."""
    if getattr(node, "type_params", None):
        scope = Scope(scope)
        scope.others |= {p.name for p in node.type_params}
    return scope


def bind(nodes, scope):
    """Notes what some nodes bind, without the scopes within them."""
    for node in nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            scope.others.add(node.name)
            continue
        if isinstance(node, ast.Import):
            for a in node.names:
                scope.imports.setdefault(a.asname or a.name.split(".")[0], []).append((a.name if a.asname else a.name.split(".")[0], "", True))
        elif isinstance(node, ast.ImportFrom):
            for a in node.names:
                scope.imports.setdefault(a.asname or a.name, []).append((node, a.name, False))
        elif isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            scope.others.add(node.id)
            scope.count[node.id] += 1
        elif isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            scope.given[node.targets[0].id] = node.value
        elif isinstance(node, ast.arg):
            scope.others.add(node.arg)
        elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
            scope.others.add(node.name)
        elif isinstance(node, ast.Global | ast.Nonlocal):
            scope.outer |= set(node.names)
        if isinstance(node, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
            bind([n.target for n in ast.walk(node) if isinstance(n, ast.NamedExpr)], scope)
        elif not isinstance(node, ast.Lambda):
            bind(ast.iter_child_nodes(node), scope)


def comments(source):
    with contextlib.suppress(tokenize.TokenError, SyntaxError):
        return sorted(t.string for t in tokenize.tokenize(io.BytesIO(source).readline) if t.type == tokenize.COMMENT)
    return []


def chained(node):
    """The name that a chain of attributes starts at, and the attributes."""
    rest = []
    while isinstance(node, ast.Attribute):
        rest.insert(0, node.attr)
        node = node.value
    return (node.id, rest) if isinstance(node, ast.Name) else (None, rest)


# Text

RELATIVE = re.compile(r"\.+\w+(\.\w+)*")
PACKAGE = re.compile(r"(?<=\bfrom )\w+(?= import\b)")  # what it is called says nothing of what is imported
WORD = re.compile(r"[\w./-]*\w(?::\w[\w.]*)?/?")


def told(text, names):
    """What each dotted name in a text leads to."""
    found = {}
    for word in WORD.findall(text):
        parts = word.replace(":", ".").split(".")
        if len(parts) > 1 and all(p.isidentifier() for p in parts) and (names.old(word) or owned(parts[0])):
            found[word] = lead(parts, names)
    return found


def owned(top):
    at = getattr(sys.modules.get(top), "__file__", None) or ""
    return at.startswith(os.getcwd() + os.sep) or os.path.exists(top) or os.path.exists(top + ".py") or os.path.exists("src/" + top)


def lead(parts, names):
    if parts[0] == "src" and module("src") is MISSING:
        parts = parts[1:]
    start, n = MISSING, 0
    while n < len(parts) and (at := module(".".join(parts[: n + 1]))) is not MISSING:
        start, n = at, n + 1
    return ["?", *parts] if start is MISSING else follow(start, parts[n:], names, parts[n - 1])


def retold(old, new, names):
    """Says what is wrong with a text that became another one; "" if nothing."""
    before, after = PACKAGE.sub("§", old[1]), PACKAGE.sub("§", new[1])
    was, now = WORD.findall(before), WORD.findall(after)
    if WORD.sub("§", before) != WORD.sub("§", after) or len(was) != len(now):
        return "text changed around names"
    for a, b in zip(was, now):
        if a == b:
            continue
        lost, found = old[2].get(a), new[2].get(b)
        if not names.old(a) and not RELATIVE.fullmatch(a) and not (lost and lost == found and lost[0] != "?"):
            return f"{a} is no name of the plan and became {b}"
        if lost and found and lost[0] not in "?*" and not same(lost, found):
            return f"{a} was {lost}, and {b} is {found}"
    return ""


def same(a, b):
    return a == b or a[0] in ("*", "module *", "?")


# A stage


def look(stage):
    names = Names(stage)
    out = {"modules": {}, "files": {}}
    for file in stage["modules"]:
        out["modules"][file] = surveyed(file, names)
    forget()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        for file in stage["files"]:
            try:
                out["files"][file] = Shape(file, names).read()
            except (SyntaxError, ValueError):
                pass  # Python 2
    return out


def differences(stage, was, now, moved, rewritten):
    """Compares what look returned for the stages before and after one phase."""
    names = Names(stage)
    for file, before in was["modules"].items():
        if "error" in before:
            continue
        for at in sorted({file, moved.get(file, file)}):
            if at not in now["modules"]:
                continue
            after = now["modules"][at]
            if "error" in after:
                yield f"{at} can be imported no more: {after['error']}"
                continue
            for name, what in before["names"].items():
                got = after["names"].get(name)
                if what != got and what not in ("*", "module *") and not (got is None and what.startswith("module ")):
                    yield f"{name} of {at} was {what}, and is {got}"
    for old, new in rewritten:
        before, after = was["files"].get(old), now["files"].get(new)
        if before is None and after is None:
            continue
        if before is None or after is None:
            yield f"{new} can be parsed: {after is not None}"
            continue
        yield from (f"{new}: {d}" for d in changed(before, after, names))


def changed(before, after, names):
    """What differs in one file, but for names of modules."""
    for i, (a, b) in enumerate(zip(before["code"], after["code"])):
        chain = isinstance(a, list) and isinstance(b, list)
        if a != b and not (chain and a[1] == b[1] and same(a[2], b[2])):
            yield f"other code: {before['code'][i - 3 : i + 1]} became {after['code'][i - 3 : i + 1]}"
            return
    if len(before["code"]) != len(after["code"]):
        yield "other code"
        return
    for a, b in zip(before["strings"], after["strings"]):
        wrong = retold(a, b, names)
        if a[1] != b[1] and wrong and "@meta" not in a[1]:
            yield f"line {b[0]}: {wrong}"
    for was, now in zip(before["blocks"], after["blocks"]):
        for at, name, what in was:
            if not any((n == name or not n and what == ["module " + name]) and (at == i or not name and i <= at) and same(what, w) for i, n, w in now):
                if name or what[0] != "*" and not str(what[0]).startswith("module "):
                    yield f"the import of {name or what} as {what} is lost: {now}"
                elif not any(i <= at and w == what for i, n, w in now) and what[0] != "*" and what[0].removeprefix("module ") in names.moved.values():
                    yield f"the import of {what} is lost: {now}"
        for at, name, what in now:
            if name and not any(n == name for i, n, w in was) and not str(what[0]).startswith("module "):
                yield f"a new import of {name}, {what}"
    was, now = spoken(before["comments"]), spoken(after["comments"])
    if any(was.count(word) > now.count(word) for word in was) or not set(now) <= set(was):
        yield f"other comments: {before['comments']} became {after['comments']}"


def spoken(lines):
    """The words of comments: who splits an import may join or repeat some."""
    return sorted(WORD.sub("§", word) for line in lines for word in line.split())
