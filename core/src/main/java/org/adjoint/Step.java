package org.adjoint;

import java.lang.ref.Reference;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import org.adjoint.backend.Buffer;
import org.adjoint.graph.Node;
import org.adjoint.graph.Ops;
import org.adjoint.graph.TensorType;
import org.adjoint.plan.PlanPrinter;

/**
 * A function of tensors, compiled: it is traced once for each combination of argument types (and of the modes it looks
 * at, see {@link #observe}); from then on a run binds buffers and launches kernels. Forward pass, backward
 * pass and optimizer are one plan.
 *
 * <p>While it is traced the function sees no values. What varies from run to run must be an argument or a
 * {@link Variable}; other tensors it uses are constants. Assignments take effect when a run ends; if the function
 * throws while it is traced, nothing has happened. Runs of one step queue. What a run returns owns its memory.
 */
public final class Step implements AutoCloseable {
    private static final int CACHED_TRACES = 64;

    /** A traced function of one tensor. */
    @FunctionalInterface
    public interface Function1 {
        Tensor apply(Tensor a);
    }

    /** A traced function of two tensors. */
    @FunctionalInterface
    public interface Function2 {
        Tensor apply(Tensor a, Tensor b);
    }

    /** A traced function of three tensors. */
    @FunctionalInterface
    public interface Function3 {
        Tensor apply(Tensor a, Tensor b, Tensor c);
    }

    /** A traced function without arguments. */
    @FunctionalInterface
    public interface Function0 {
        Tensor apply();
    }

    /** One trace, not compiled. */
    private record Recorded(List<Node> arguments, List<Node> results, Trace trace) {
        boolean fits(List<TensorType> types) {
            return arguments.stream().map(Node::type).toList().equals(types)
                && trace.guards().stream().allMatch(Trace.Guard::holds);
        }
    }

    /**
     * What a step needs while it runs.
     *
     * @param arenaBytes intermediates, shared by lifetime
     * @param residentBytes leaves: arguments, variables, captured tensors
     * @param resultBytes what a run returns
     */
    public record Memory(long arenaBytes, long residentBytes, long resultBytes) {
        /** All of it. */
        public long peakBytes() {
            return arenaBytes + residentBytes + resultBytes;
        }
    }

    private final Device device;
    private final int arity;
    private final Function<List<Tensor>, List<Tensor>> function;
    private final List<CompiledTrace> compiled = new ArrayList<>();
    /** What runs operation by operation, while anomalies are looked for. */
    private final List<Recorded> recorded = new ArrayList<>();
    private final ReentrantLock lock = new ReentrantLock(true);
    private volatile long traces;
    private boolean closed;

    private Step(Device device, int arity, Function<List<Tensor>, List<Tensor>> function) {
        this.device = Objects.requireNonNull(device, "device");
        this.arity = arity;
        this.function = function;
    }

    public static Step compile(Device device, Function0 function) {
        Objects.requireNonNull(function, "function");
        return new Step(device, 0, arguments -> one(function.apply()));
    }

    public static Step compile(Device device, Function1 function) {
        Objects.requireNonNull(function, "function");
        return new Step(device, 1, arguments -> one(function.apply(arguments.get(0))));
    }

    public static Step compile(Device device, Function2 function) {
        Objects.requireNonNull(function, "function");
        return new Step(device, 2, arguments -> one(function.apply(arguments.get(0), arguments.get(1))));
    }

    public static Step compile(Device device, Function3 function) {
        Objects.requireNonNull(function, "function");
        return new Step(device, 3,
            arguments -> one(function.apply(arguments.get(0), arguments.get(1), arguments.get(2))));
    }

    /** A function of any number of tensors with any number of results, for {@link #runAll}. */
    public static Step compileAll(Device device, Function<List<Tensor>, List<Tensor>> function) {
        Objects.requireNonNull(function, "function");
        return new Step(device, -1, function);
    }

    private static List<Tensor> one(Tensor result) {
        if (result == null) {
            throw new IllegalStateException("Step.run: the function returns null: return a tensor, or use compileAll "
                + "and return List.of() where there is none");
        }
        return List.of(result);
    }

    /** Runs a function of one result. */
    public Tensor run(Tensor... arguments) {
        return run(Arrays.asList(arguments), true).getFirst();
    }

    /**
     * Runs the function.
     *
     * @throws IllegalArgumentException for a wrong number of arguments or one of another device
     * @throws IndexOutOfBoundsException if an index tensor holds an index out of range; variables hold their old values
     *     then, but for those whose new values the indices were computed from
     */
    public List<Tensor> runAll(List<Tensor> arguments) {
        return run(arguments, false);
    }

    private List<Tensor> run(List<Tensor> arguments, boolean single) {
        lock.lock();
        try {
            if (Debug.isDetecting()) {
                return runChecked(arguments, single);
            }
            CompiledTrace fitting = prepare(arguments);
            requireSingle(single, fitting.results().size());
            Scope owner = device.currentScope();
            List<Storage> results = new ArrayList<>(fitting.results().size());
            // Binding included: another thread's run may give a variable other memory.
            device.lock().lock();
            try {
                Buffer[] externals = fitting.bind(device, arguments, results, owner);
                fitting.executable().run(externals, fitting.scalars());
            } catch (RuntimeException | Error e) {
                results.forEach(Storage::free);
                throw e;
            } finally {
                device.lock().unlock();
                // Buffers do not keep alive the storage that a cleaner frees.
                Reference.reachabilityFence(arguments);
                Reference.reachabilityFence(fitting);
            }
            return handles(fitting.results(), results, owner);
        } finally {
            lock.unlock();
        }
    }

    private static void requireSingle(boolean single, int results) {
        if (single && results != 1) {
            throw new IllegalStateException("Step.run: the function returns " + results + " tensors: use runAll");
        }
    }

    private List<Tensor> handles(List<TensorType> types, List<Storage> results, Scope owner) {
        List<Tensor> tensors = new ArrayList<>(types.size());
        for (int i = 0; i < types.size(); i++) {
            Node leaf = Ops.leaf(types.get(i));
            leaf.bind(results.get(i));
            tensors.add(new Tensor(device, leaf, null, owner));
        }
        return tensors;
    }

    /** Operation by operation; see {@link Debug#detectAnomaly}. Variables change when all has been computed. */
    private List<Tensor> runChecked(List<Tensor> arguments, boolean single) {
        List<TensorType> types = requireArguments(arguments);
        Recorded fitting = recorded.stream().filter(candidate -> candidate.fits(types)).findFirst().orElse(null);
        if (fitting == null) {
            fitting = record(types);
            recorded.addFirst(fitting);
            if (recorded.size() > CACHED_TRACES) {
                recorded.removeLast();
            }
        }
        requireSingle(single, fitting.results.size());
        Map<Node, CheckedRun.Given> given = new IdentityHashMap<>();
        for (int i = 0; i < arguments.size(); i++) {
            Storage storage = (Storage) arguments.get(i).operand("Step.run").value();
            given.put(fitting.arguments.get(i), new CheckedRun.Given(storage, "argument " + i + " of the step"));
        }
        device.lock().lock();
        try {
            fitting.trace.leaves().forEach((variable, leaf) ->
                given.put(leaf, new CheckedRun.Given(variable.present(), "variable '" + variable.name() + "'")));
            List<Node> nodes = new ArrayList<>(fitting.results);
            Scope owner = device.currentScope();
            List<Scope> owners = new ArrayList<>(Collections.nCopies(nodes.size(), owner));
            List<Variable> stored = fitting.trace.storedVariables();
            fitting.trace.stores().forEach(store -> nodes.add(store.value()));
            stored.forEach(variable -> owners.add(variable.scope()));
            List<Storage> values = CheckedRun.compute(device, nodes, owners, given);
            int results = fitting.results.size();
            for (int i = 0; i < stored.size(); i++) {
                stored.get(i).replace(values.get(results + i));
            }
            return handles(fitting.results.stream().map(Node::type).toList(), values.subList(0, results), owner);
        } finally {
            device.lock().unlock();
        }
    }

    /** Binding, dispatch and bookkeeping of one run, in nanoseconds: kernels are empty, and nothing is computed. */
    public long dryRunNanos(Tensor... arguments) {
        lock.lock();
        try {
            List<Tensor> list = Arrays.asList(arguments);
            prepare(list);
            long start = System.nanoTime();
            CompiledTrace fitting = prepare(list);
            List<Storage> results = new ArrayList<>(fitting.results().size());
            device.lock().lock();
            try {
                Buffer[] externals = fitting.bind(device, list, results, device.currentScope());
                fitting.executable().dryRun(externals, fitting.scalars());
                return System.nanoTime() - start;
            } finally {
                device.lock().unlock();
                results.forEach(Storage::free);
                Reference.reachabilityFence(list);
                Reference.reachabilityFence(fitting);
            }
        } finally {
            lock.unlock();
        }
    }

    private List<TensorType> requireArguments(List<Tensor> arguments) {
        device.requireOpen();
        device.requireNoTrace("Step.run");
        if (closed) {
            throw new IllegalStateException("Step.run: this step is closed");
        }
        if (arity >= 0 && arguments.size() != arity) {
            throw new IllegalArgumentException("Step.run: the function takes " + arity + " tensors but got "
                + arguments.size());
        }
        List<TensorType> types = new ArrayList<>(arguments.size());
        for (Tensor argument : arguments) {
            if (argument == null) {
                throw new IllegalArgumentException("Step.run: argument " + types.size() + " is null");
            }
            device.requireSame("Step.run", argument.device());
            argument.operand("Step.run");
            argument.realize();
            types.add(argument.type());
        }
        return types;
    }

    private CompiledTrace prepare(List<Tensor> arguments) {
        List<TensorType> types = requireArguments(arguments);
        for (CompiledTrace candidate : compiled) {
            if (candidate.fits(types)) {
                return candidate;
            }
        }
        CompiledTrace fresh = trace(types);
        compiled.addFirst(fresh);
        if (compiled.size() > CACHED_TRACES) {
            compiled.removeLast().executable().close();
        }
        return fresh;
    }

    private Recorded record(List<TensorType> types) {
        Trace trace = new Trace(device);
        List<Node> arguments = types.stream().map(Ops::leaf).toList();
        List<Node> results;
        Trace.enter(trace);
        try {
            List<Tensor> handles = arguments.stream().map(node -> new Tensor(device, node, trace)).toList();
            results = new ArrayList<>();
            for (Tensor tensor : Functions.requireTensors("Step.run", function.apply(handles))) {
                results.add(tensor.operand("Step.run"));
            }
            device.random().advance(trace);
        } finally {
            Trace.enter(null);
        }
        traces++;
        return new Recorded(arguments, results, trace);
    }

    private CompiledTrace trace(List<TensorType> types) {
        Recorded recorded = record(types);
        // Outside the device's lock: another thread may compute what was captured meanwhile, but a program asks once
        // whether a node has a value. What is not excluded is that it also trims a history of over 1,000 operations that
        // this plan is walking.
        return CompiledTrace.of(device, recorded.arguments, recorded.results, recorded.trace);
    }

    /**
     * The present value of a condition outside the graph, such as whether a module is in training mode. A traced
     * function that asks for it here is traced again when it has changed.
     */
    public static boolean observe(BooleanSupplier condition) {
        boolean seen = condition.getAsBoolean();
        Trace trace = Trace.current();
        if (trace != null) {
            trace.guard(condition, seen);
        }
        return seen;
    }

    /** Whether this thread is inside a traced function. */
    public static boolean isTracing() {
        return Trace.current() != null;
    }

    /** How often the function was traced: once per signature. */
    public long traces() {
        return traces;
    }

    /** The plan of the last new signature, for people. */
    public String explain() {
        return PlanPrinter.explain(last().plan());
    }

    /** What the last new signature needs, known before it runs. */
    public Memory memory() {
        return last().memory();
    }

    private CompiledTrace last() {
        lock.lock();
        try {
            if (compiled.isEmpty()) {
                throw new IllegalStateException("Step: nothing is compiled yet: call prepare or run first");
            }
            return compiled.getFirst();
        } finally {
            lock.unlock();
        }
    }

    /** Traces and compiles for arguments like these, without running. */
    public Step prepare(Tensor... arguments) {
        lock.lock();
        try {
            prepare(Arrays.asList(arguments));
            return this;
        } finally {
            lock.unlock();
        }
    }

    /** Frees the compiled plans. Idempotent. */
    @Override
    public void close() {
        lock.lock();
        try {
            closed = true;
            compiled.forEach(entry -> entry.executable().close());
            compiled.clear();
            recorded.clear();
        } finally {
            lock.unlock();
        }
    }
}
