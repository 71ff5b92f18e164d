package org.adjoint;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BooleanSupplier;
import org.adjoint.graph.DType;
import org.adjoint.graph.Node;
import org.adjoint.graph.Ops;
import org.adjoint.plan.Program;

/**
 * What one run of a traced function records: which variables it read and assigned, what it depended on. The body of a
 * {@link Scan} is traced too, within the function that it belongs to or in eager code; what it reads is then that
 * function's.
 */
final class Trace {
    private static final ThreadLocal<Trace> CURRENT = new ThreadLocal<>();

    /** A condition outside the graph that the traced function looked at. */
    record Guard(BooleanSupplier condition, boolean seen) {
        boolean holds() {
            return condition.getAsBoolean() == seen;
        }
    }

    private final Device device;
    private final Map<Variable, Node> leaves = new LinkedHashMap<>();
    private final Map<Variable, Node> assigned = new LinkedHashMap<>();
    private final Map<Variable, List<Node>> older = new LinkedHashMap<>();
    private final List<Guard> guards = new ArrayList<>();
    /** For the body of a scan: what it stands in, null for eager code. */
    private final Trace parent;
    /** For the body of a scan: how often it runs; else -1. */
    private final long iterations;
    /** For the body of a scan: the number of the iteration, an {@code i64} scalar. */
    private final Node iteration;
    /** For the body of a scan in eager code: nodes from outside that it uses. */
    private final Set<Node> used = new LinkedHashSet<>();
    private long nextStream;

    Trace(Device device) {
        this(device, null, -1, null);
    }

    private Trace(Device device, Trace parent, long iterations, Node iteration) {
        this.device = device;
        this.parent = parent;
        this.iterations = iterations;
        this.iteration = iteration;
    }

    /** The trace of a scan's body. */
    static Trace ofBody(Device device, Trace parent, long iterations, Node iteration) {
        return new Trace(device, parent, iterations, iteration);
    }

    /** The trace that this thread is in, or null. */
    static Trace current() {
        return CURRENT.get();
    }

    /** Makes this the thread's trace; {@code null} ends it. */
    static void enter(Trace trace) {
        CURRENT.set(trace);
    }

    /** The trace of the compiled function that this thread is in, or null in eager code. */
    static Trace compiled() {
        Trace trace = current();
        while (trace != null && trace.isBody()) {
            trace = trace.parent;
        }
        return trace;
    }

    Device device() {
        return device;
    }

    boolean isBody() {
        return iteration != null;
    }

    /** Whether this is the trace of a scan's body in {@code other}, or of one in such a body. */
    boolean isInside(Trace other) {
        return isBody() && (parent == other || parent != null && parent.isInside(other));
    }

    /** Notes that the body uses a node of eager code. */
    void use(Node node) {
        if (parent != null) {
            parent.use(node);
        } else {
            used.add(node);
        }
    }

    Set<Node> used() {
        return used;
    }

    /** The variable's value at this point of the program. */
    Node read(Variable variable) {
        if (isBody()) {
            Node node = parent == null ? variable.tracedRead() : parent.read(variable);
            if (compiled() == null) {
                use(node);
            }
            return node;
        }
        Node node = assigned.get(variable);
        return node != null ? node : leaf(variable);
    }

    private Node leaf(Variable variable) {
        return leaves.computeIfAbsent(variable, v -> Ops.leaf(v.type()));
    }

    void assign(Variable variable, Node value) {
        if (isBody()) {
            throw new IllegalStateException("assign: variable '" + variable.name() + "' can't be assigned in the body "
                + "of a scan, which is recorded once: make its value a carry and assign the last one behind the scan");
        }
        older.computeIfAbsent(variable, v -> new ArrayList<>()).add(read(variable));
        leaf(variable);
        assigned.put(variable, value);
    }

    /** Nodes that stood for the variable before it was assigned in this trace. */
    List<Node> olderReads(Variable variable) {
        if (isBody()) {
            return parent == null ? List.of() : parent.olderReads(variable);
        }
        return older.getOrDefault(variable, List.of());
    }

    /** A stream of random numbers that nothing else in this trace draws from; one for each iteration in a body. */
    Node nextStream() {
        if (!isBody()) {
            return Ops.constant(DType.I64, reserveStreams(1));
        }
        long count = 1;
        Trace root = this;
        for (Trace trace = this; trace != null && trace.isBody(); trace = trace.parent) {
            count = Math.multiplyExact(count, Math.max(1, trace.iterations));
            root = trace.parent == null ? trace : trace.parent;
        }
        return Ops.add(number(), Ops.constant(DType.I64, root.reserveStreams(count)));
    }

    /** The number of this run of the body among those of all iterations of the scans around it. */
    private Node number() {
        return parent == null || !parent.isBody() ? iteration
            : Ops.add(Ops.mul(parent.number(), Ops.constant(DType.I64, iterations)), iteration);
    }

    private long reserveStreams(long count) {
        long first = nextStream;
        nextStream += count;
        return first;
    }

    boolean drewRandomNumbers() {
        return nextStream > 0;
    }

    void guard(BooleanSupplier condition, boolean seen) {
        if (!isBody()) {
            guards.add(new Guard(condition, seen));
        } else if (parent != null) {
            parent.guard(condition, seen);
        }
    }

    List<Guard> guards() {
        return guards;
    }

    Map<Variable, Node> leaves() {
        return leaves;
    }

    /** The effects, in the order of the first assignments. */
    List<Program.Store> stores() {
        List<Program.Store> stores = new ArrayList<>();
        assigned.forEach((variable, value) -> {
            if (value != leaves.get(variable)) {
                stores.add(new Program.Store(leaves.get(variable), value));
            }
        });
        return stores;
    }

    /** Variables with a store, in the order of {@link #stores}. */
    List<Variable> storedVariables() {
        return assigned.entrySet().stream().filter(e -> e.getValue() != leaves.get(e.getKey())).map(Map.Entry::getKey)
            .toList();
    }
}
