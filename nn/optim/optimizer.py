"""What all optimizers share: parameter groups, state, and in-place steps."""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

import numpy as np

from minigrad import Tensor, enable_grad, mark_mutated
from minigrad.arrays import RowSparse
from minigrad.carrying import arrived, carried
from minigrad.devices import follow, on_gpu_of
from minigrad.hints import explain_options
from minigrad.tracing import changing

from ..checks import Kind
from ..hooks import Handle, Hook, add_hook
from ..settings import brief
from .flat import Flat, Work, is_state_array, may_move
from .groups import as_groups, as_parameters
from .loading import checked_entries, checked_entry, checked_groups, copied, follow_parameter
from .options import BESIDE, NO_EFFECT, check_rules, plain

__all__ = ["Optimizer"]

#: The methods that compute a step.
_COMPUTING = ("update", "fresh_state", "begin")


class Optimizer:
    """Holds groups of parameters with their options and changes them in `step()`.

    A subclass writes `update(p, g, state, group)`: one step of one parameter, in place, on arrays;
    and `fresh_state(p, group)`: what `state` holds before the first step.

    Attributes:
        param_groups: dicts of options with their "params".
        state: what is remembered of each parameter, by the parameter.
        rules: what the options may be, by name.
        optional_state: names of arrays that `update` adds to the state when an option asks for them;
            None in classes that do not say what their state is.
        elementwise: whether each number changes by itself. Then row-sparse gradients and complex
            parameters (as pairs of numbers) work too.
        together: whether `update` may be given many parameters as one flat array: each number
            changes by itself, and no shape counts.  It holds for the `update` and `fresh_state` that
            the class which says it has then; whoever has others says it anew.

    Raises:
        TypeError: params are no leaf tensors; an option does not exist or is of a wrong type.
        ValueError: there are no parameters; one stands in two groups; an option is out of range.

    >>> from nn.optim import SGD
    >>> SGD([Tensor([1.0, 2.0], requires_grad=True)], lr=0.5).param_groups[0]["lr"]
    0.5
    """

    rules: ClassVar[Mapping[str, Kind]] = {}
    optional_state: ClassVar[tuple[str, ...] | None] = None
    elementwise: ClassVar[bool] = True
    together: ClassVar[bool] = False
    #: Attributes that a compiled step does not look at: what is found anew where it is missing, and what only new groups get.
    caches: ClassVar[tuple[str, ...]] = ("_seen", "_layouts", "_flat", "defaults")
    #: What computed a step where `together` was said, in this class or above it.
    _said_of: ClassVar[tuple[Any, ...]] = ()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """A subclass that computes something else does not inherit that flat arrays will do.

        An option that a constructor does not have is an error that says what to write.
        """
        super().__init_subclass__(**kwargs)
        if "__init__" in vars(cls):
            cls.__init__ = explain_options(cls.__init__)  # type: ignore[method-assign]
        if "together" in vars(cls):
            cls._said_of = _computing(cls)
        elif cls._said_of != _computing(cls):
            cls.together = False

    def __init__(self, params: Iterable[Any], defaults: dict[str, Any]) -> None:
        """What optimizers share; which of the options one has, its signature says.

        Args:
            params: tensors, or pairs of a name and a tensor (`model.named_parameters()`), or dicts
                {"params": tensors, option: value ...} for groups with options of their own.
            defaults: of `Optimizer` itself: the options, by name, of groups that do not give theirs.
            lr: the learning rate; a number, or a tensor of one, which each step reads anew.
            weight_decay: this times the parameter is added to its gradient (L2 regularisation); where it is decoupled, and in
                AdamW, Adafactor and Muon, the parameter becomes smaller by lr times this share instead.
            betas: how much each step keeps of the running mean of the gradients, and of that of their squares; from 0 to below 1.
            eps: added to what the step is divided by, so that it is not 0.
            decoupled_weight_decay: whether weight_decay is decoupled.
            maximize: go along the gradient in place of against it.
            foreach: False: on a GPU, step the parameters one after the other, which takes less memory; otherwise those of a
                group go in one buffer. It has no effect on a CPU, and changes no number.
            fused, capturable: taken for PyTorch's sake; they have no effect.
            differentiable: no step is recorded: with True it is an error where a gradient or lr requires a gradient.
        """
        self.defaults = defaults
        self.param_groups: list[dict[str, Any]] = []
        self.state: defaultdict[Tensor, dict[str, Any]] = defaultdict(dict)
        self._seen: dict[int, dict[str, Any]] = {}
        self._layouts: dict[tuple[int, str], dict[str, Any]] = {}
        self._flat = Flat()
        self._pre_hooks: OrderedDict[int, Hook] = OrderedDict()
        self._post_hooks: OrderedDict[int, Hook] = OrderedDict()
        check_rules(self._kind, defaults, self.rules)
        for group in as_groups(params, self._kind):
            self.add_param_group(group)

    @property
    def _kind(self) -> str:
        return type(self).__name__

    # --------------------------------------------------------------------------------- groups

    def add_param_group(self, group: Mapping[str, Any]) -> None:
        """Add parameters with options of their own.

        A parameter that comes twice in the group is taken once, with a warning.
        """
        if not isinstance(group, Mapping) or "params" not in group:
            raise TypeError(f"{self._kind}: a group is a dict with 'params', got {brief(group)}")
        options = {name: value for name, value in group.items() if name != "params"}
        if unknown := set(options) - set(self.defaults) - set(BESIDE):
            raise TypeError(f"{self._kind} has no option {min(unknown)!r}; it has {', '.join(self.defaults)}")
        check_rules(self._kind, options, self.rules)
        options = {n: tuple(v) if isinstance(v, list) and n in self.rules else v for n, v in options.items()}
        self.check_group({**self.defaults, **options})
        params, names = as_parameters(group["params"], self._kind)
        known = {id(p) for other in self.param_groups for p in other["params"]}
        if known & {id(p) for p in params}:
            raise ValueError(f"{self._kind}: a parameter stands in two groups; it would be stepped twice")
        self.check_parameters(params)
        if names is not None:
            options["param_names"] = names
        self.param_groups.append({"params": params, **self.defaults, **options})

    def check_group(self, options: Mapping[str, Any]) -> None:
        """Raise ValueError for options of a group that do not go together."""

    def check_parameters(self, params: list[Tensor]) -> None:
        """Raise for parameters that this optimizer cannot change; others are leaves already."""
        for p in params:
            if p.dtype.kind == "c" and not self.elementwise:
                raise ValueError(f"{self._kind} takes no complex parameters, got {p.dtype} of {p.shape}")

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget all gradients; with set_to_none=False they become zeros, in place."""
        for group in self.param_groups:
            for p in group["params"]:
                zeros = None if set_to_none or p.grad is None else _zeroed(p.grad)
                p.grad = None  # which also forgets what `redirect_grad` has kept
                p.grad = zeros

    # ---------------------------------------------------------------------------------- steps

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One step of all parameters that have a gradient; with a closure, of the gradients that it computes.

        The state of a parameter that was moved to another device (`model.to(...)`) follows it there.

        Returns:
            What the closure returned, or None.

        Raises:
            RuntimeError: a gradient or the state does not fit a parameter; nothing is changed then.
            ValueError, TypeError: an option was set to what it may not be; nothing is changed then.
        """
        args: tuple[Any, ...] = (self,) if closure is None else (self, closure)
        kwargs: dict[str, Any] = {}
        for hook in list(self._pre_hooks.values()):
            changed = hook.call(self, args, kwargs)
            if changed is not None:
                args, kwargs = changed
                closure = args[1] if len(args) > 1 else kwargs.get("closure")
        with on_gpu_of(*(group["params"] for group in self.param_groups)):
            loss = self.take_step(closure)
        for hook in list(self._post_hooks.values()):
            hook.call(self, args, kwargs)
        return loss

    def take_step(self, closure: Callable[[], Any] | None) -> Any:
        """What `step` does between its hooks."""
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        for options, work, together, held in self._work():
            rest = work
            if together:
                rest = self._flat.step(work, self.state, options, self._change, held)
            for p, g in rest:
                if isinstance(g, np.ndarray):
                    self._step_one(p, g, options)
                    continue
                with on_gpu_of(g):
                    self._step_one(p, g, options)
        return loss

    def _step_one(self, p: Tensor, g: Any, options: dict[str, Any]) -> None:
        """One step of one parameter."""
        array = p.data
        changing(self.state[p])
        self._change(array, -g if options.get("maximize") else g, self.state[p], options)
        mark_mutated(array)

    def _steps_together(self, options: dict[str, Any], work: Work) -> bool:
        """Whether parameters of a group are stepped by one call, as far as they can be."""
        if not self.together or len(work) < 2 or options.get("foreach") is False:
            return False
        return any(may_move(g) for _, g in work) and self._computes_as_said()

    def _computes_as_said(self) -> bool:
        """Whether a step is computed by what `together` was said of: not by a subclass, a mixin,
        a function that was put on the instance or in place of a method."""
        kind = type(self)
        return _computing(kind) == kind._said_of and vars(self).keys().isdisjoint(_COMPUTING)

    def _work(self) -> list[tuple[dict[str, Any], Work, bool, bool]]:
        """For each group its options, the parameters with their gradients, whether these are stepped
        together, and whether they lie in buffers.

        All is checked before the first change.  What lies in buffers has passed already, but for the
        shape of its gradient; so one parameter speaks for all.
        """
        groups = []
        for number, group in enumerate(self.param_groups):
            options = self.options_of(number)
            grads = [p.grad for p in group["params"]]
            places = [i for i, grad in enumerate(grads) if grad is not None]
            work = [(group["params"][i], grads[i].data) for i in places]
            together = self._steps_together(options, work)
            held = together and self._flat.holds_all(work, self.state)
            records = options.get("differentiable")
            for i, (p, g) in zip(places, work, strict=True):
                if not held or i == places[0] or g.shape != p.shape:
                    follow_parameter(self.state.get(p), p)
                    self._check_fit(p, g, f"parameter {i} of group {number}")
                if records:
                    self._check_unrecorded(p, group["lr"])
            groups.append((options, work, together, held))
        return groups

    def _check_unrecorded(self, p: Tensor, lr: Any) -> None:
        """Raise where somebody expects that a gradient goes through the step."""
        if getattr(p.grad, "requires_grad", False) or getattr(lr, "requires_grad", False):
            raise RuntimeError(
                f"{self._kind}: a step is not recorded, so no gradient goes through it; "
                "give no create_graph=True, or leave differentiable=True out"
            )

    def options_of(self, number: int) -> dict[str, Any]:
        """The options of a group as plain numbers; what has changed since the last step is checked."""
        options = plain(self.param_groups[number])
        seen = self._seen.setdefault(number, {})
        changed = {name: options[name] for name in self.rules if name not in seen or options[name] != seen[name]}
        if changed:
            check_rules(f"{self._kind}, group {number}", changed, self.rules)
            self.check_group(options)
            seen.update(changed)
        return changing(options, self.param_groups[number])

    def _check_fit(self, p: Tensor, g: Any, which: str) -> None:
        """Raise where a gradient or the state is not for this parameter as it is now."""
        self._check_arrays(p, g, which)
        if isinstance(g, RowSparse) and not self.elementwise:
            raise RuntimeError(f"{self._kind} takes no row-sparse gradients; use Embedding(sparse=False)")
        self._check_state(p, which)
        if not self.elementwise or p not in self.state:
            return
        for name, value in self.state[p].items():
            if is_state_array(value) and value.shape != p.shape:
                raise RuntimeError(
                    f"{self._kind}: {which} has shape {p.shape}, its state {name!r} {value.shape}; "
                    "make a new optimizer after a parameter's shape has changed"
                )

    def _check_arrays(self, p: Tensor, g: Any, which: str) -> None:
        """Raise where a parameter cannot be changed, or not along this gradient."""
        both_here = isinstance(g, np.ndarray) and isinstance(p.data, np.ndarray)  # as nearly always
        if not both_here and p.grad is not None and p.grad.device != p.device:
            places = f"{which} is on {p.device}, its gradient on {p.grad.device}"
            raise RuntimeError(f"{self._kind}: {places}: compute it anew, or p.grad = p.grad.to(p.device)")
        if g.shape != p.shape:
            raise RuntimeError(f"{self._kind}: {which} has shape {p.shape}, its gradient {g.shape}")
        if not np.can_cast(g.dtype, p.dtype, "same_kind"):
            raise RuntimeError(f"{self._kind}: {which} is {p.dtype}, its gradient {g.dtype}")
        if not _is_writable(p.data):
            raise RuntimeError(
                f"{self._kind}: the data of {which} are read-only; give it a copy, p.data = p.data.copy()"
            )

    def _check_state(self, p: Tensor, which: str) -> None:
        """Raise where the state of a parameter lacks something, or has it of another kind."""
        state = self.state.get(p)
        if not state or self.optional_state is None:
            return
        arrays: dict[str, Any] = {name: p.data for name in self.optional_state if name in state}
        for name, like in {**arrays, **self._layout(p.data)}.items():
            value: Any = state.get(name)
            if is_state_array(like):
                fits = is_state_array(value) and value.dtype.kind == like.dtype.kind and _is_writable(value)
            else:
                fits = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
            if not fits:
                wanted = f"a writable array of {like.dtype}" if is_state_array(like) else "a number"
                raise RuntimeError(f"{self._kind}: the state {name!r} of {which} must be {wanted}, got {brief(value)}")

    def _layout(self, p: Any) -> dict[str, Any]:
        """What the state of such an array holds: the state of one with a single number."""
        key = (p.ndim, p.dtype.char)
        if key not in self._layouts:
            self._layouts[key] = self.begin(np.zeros((1,) * p.ndim, p.dtype), plain(self.param_groups[0]))
        return self._layouts[key]

    def _change(self, p: Any, g: Any, state: dict[str, Any], group: dict[str, Any]) -> None:
        """`update` for every kind of array: what it sees has an axis and is float32 or wider."""
        if not state:
            state.update(self.begin(p, group))
        if p.dtype.kind == "c" and self.elementwise:
            self._change_parts(p, g, state, group)
        elif p.dtype == np.float16:  # squares of small gradients are zero in float16
            wide = p.astype(np.float32)
            self._change(wide, g.astype(np.float32), state, group)
            p[...] = wide
        elif isinstance(g, RowSparse):
            self.update_rows(p, g, state, group)
        elif p.ndim == 0 and self.elementwise:  # operations on 0-d arrays give numbers, which are no arrays
            local = {name: value.reshape(1) if is_state_array(value) else value for name, value in state.items()}
            self.update(p.reshape(1), g.reshape(1), local, group)
            state.update((name, value.reshape(()) if is_state_array(value) else value) for name, value in local.items())
        else:
            self.update(p, g, state, group)

    def _change_parts(self, p: Any, g: Any, state: dict[str, Any], group: dict[str, Any]) -> None:
        """A step of the real parts, and one of the imaginary parts, with their parts of the state."""
        real, imaginary = ({name: _part(v, part) for name, v in state.items()} for part in ("real", "imag"))
        self._change(p.real, _part(g, "real"), real, group)
        self._change(p.imag, _part(g, "imag"), imaginary, group)
        for name, value in real.items():
            state[name] = _complex(value, imaginary[name]) if is_state_array(value) else value

    @follow
    def begin(self, p: Any, group: dict[str, Any]) -> dict[str, Any]:
        """`fresh_state` for every kind of array: of pairs for complex ones, in float32 for float16."""
        if p.dtype.kind == "c" and self.elementwise:
            parts = self.begin(p.real, group)
            return {name: _complex(value, value) if is_state_array(value) else value for name, value in parts.items()}
        if p.dtype == np.float16:
            p = np.zeros_like(p, dtype=np.float32)
        return self.fresh_state(p, group)

    def fresh_state(self, p: Any, group: dict[str, Any]) -> dict[str, Any]:
        """What is remembered of an array before its first step."""
        return {}

    def update(self, p: Any, g: Any, state: dict[str, Any], group: dict[str, Any]) -> None:
        """Change the array p in place by one step along the gradient g."""
        raise NotImplementedError(f"{self._kind} defines no update(p, g, state, group)")

    def update_rows(self, p: Any, g: RowSparse, state: dict[str, Any], group: dict[str, Any]) -> None:
        """`update` of those rows that a row-sparse gradient holds; the others, and their state, stay as they are."""
        if not state and self.optional_state is None:
            state.update(self._unseen(p, group))
        g = g.coalesce()
        local = {name: value[g.rows] if is_state_array(value) else value for name, value in state.items()}
        rows = p[g.rows]
        self.update(rows, g.values, local, group)
        p[g.rows] = rows
        for name, value in local.items():
            if is_state_array(value):
                if not is_state_array(state.get(name)):
                    state[name] = np.zeros_like(value, shape=p.shape)
                state[name][g.rows] = value
            else:
                state[name] = value

    def _unseen(self, p: Any, group: dict[str, Any]) -> dict[str, Any]:
        """The state of rows that were never seen, where `update` makes it: what a step of zeros leaves."""
        made: dict[str, Any] = {}
        self.update(np.zeros_like(p[:1]), np.zeros_like(p[:1]), made, group)
        return {
            name: np.broadcast_to(value, p.shape).copy() if is_state_array(value) else type(value)(0 * value)
            for name, value in made.items()
        }

    # ---------------------------------------------------------------------------------- hooks

    def register_step_pre_hook(self, hook: Callable[..., Any]) -> Handle:
        """Call hook(optimizer, args, kwargs) before each step; a pair that it returns replaces args and kwargs.

        Returns:
            A handle whose remove() takes the hook away.
        """
        return add_hook(self._pre_hooks, Hook(hook))

    def register_step_post_hook(self, hook: Callable[..., Any]) -> Handle:
        """Call hook(optimizer, args, kwargs) after each step; returns a handle whose remove() takes it away."""
        return add_hook(self._post_hooks, Hook(hook))

    # ---------------------------------------------------------------------------------- state

    def __getstate__(self) -> dict[str, Any]:
        """What copies and pickles hold: everything but the hooks, as in PyTorch, and the buffers.

        Their arrays are no parts of these buffers.
        """
        fresh = {"_pre_hooks": OrderedDict(), "_post_hooks": OrderedDict(), "_flat": Flat(), "_layouts": {}}
        return {**self.__dict__, **fresh, "state": _State(self.state)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, state=state["state"].entries)

    def __repr__(self) -> str:
        lines = []
        for group in self.param_groups:
            shown = (name for name in group if name in self.defaults and name not in NO_EFFECT)
            options = ", ".join(f"{name}={brief(group[name])}" for name in shown)
            lines.append(f"{options}; {_count(group['params'])}")
        name = self._kind
        return f"{name}({lines[0]})" if len(lines) == 1 else f"{name}(\n  " + "\n  ".join(lines) + "\n)"

    def state_dict(self) -> dict[str, Any]:
        """A copy of the options and state, with parameters named by their numbers, as torch's."""
        params = [p for group in self.param_groups for p in group["params"]]
        numbers = {id(p): i for i, p in enumerate(params)}
        state = {i: {n: copied(v) for n, v in self.state[p].items()} for i, p in enumerate(params) if p in self.state}
        groups = [{**plain(g), "params": [numbers[id(p)] for p in g["params"]]} for g in self.param_groups]
        return {"state": state, "param_groups": groups}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on with a copy of options and state that `state_dict` returned, here or in PyTorch.

        Raises:
            ValueError, TypeError: it does not fit in groups, names, shapes or types; nothing is changed then.
        """
        groups = checked_groups(self, state_dict)
        state = checked_entries(self, groups, state_dict)
        for group, options in zip(self.param_groups, groups, strict=True):
            group.update(options)
        self.state = defaultdict(dict, state)
        self._flat = Flat()  # the old state goes

    def load_entry(self, p: Tensor, entry: Mapping[str, Any], options: dict[str, Any], where: str) -> dict[str, Any]:
        """A copy of the loaded state of one parameter, checked; `where` begins the messages."""
        return checked_entry(self, p, entry, options, where)


class _State:
    """The state in a copy, where its arrays stay on their devices, or in a pickle."""

    def __init__(self, entries: defaultdict[Tensor, dict[str, Any]]) -> None:
        self.entries = entries

    def __reduce__(self) -> Any:
        return _arrived_state, ({p: carried(entry) for p, entry in self.entries.items()},)


def _arrived_state(entries: dict[Tensor, dict[str, Any]]) -> _State:
    return _State(defaultdict(dict, {p: arrived(entry) for p, entry in entries.items()}))


def _zeroed(grad: Tensor) -> Tensor:
    """A gradient that has become zeros, in place; a row-sparse one has no rows then."""
    g = grad.data
    with on_gpu_of(g):
        if isinstance(g, RowSparse):
            return Tensor(RowSparse(g.values[:0], g.rows[:0], g.shape))
        g[...] = 0
    mark_mutated(g)
    return grad.detach()


def _computing(kind: type[Optimizer]) -> tuple[Any, ...]:
    """The methods that compute a step, wherever a class has them from."""
    return tuple(getattr(kind, name) for name in _COMPUTING)


def _is_writable(array: Any) -> bool:
    """Whether an array can be changed; those of CuPy always can."""
    return not isinstance(array, np.ndarray) or array.flags.writeable


def _part(value: Any, part: str) -> Any:
    """The real or the imaginary part of an array; a number as it is."""
    if isinstance(value, RowSparse):
        return RowSparse(getattr(value.values, part), value.rows, value.shape)
    return getattr(value, part) if hasattr(value, "shape") else value


def _complex(real: Any, imaginary: Any) -> Any:
    """An array from its parts; also a 0-d one, of which a sum would be a number."""
    out = np.empty_like(real, dtype=np.result_type(real.dtype, np.complex64))
    out.real, out.imag = real, imaginary
    return out


def _count(params: list[Tensor]) -> str:
    """How many parameters there are, and of how many numbers."""
    tensors, numbers = len(params), sum(p.size for p in params)
    return f"{tensors} parameter{'s' * (tensors != 1)} of {numbers:,} number{'s' * (numbers != 1)}"
