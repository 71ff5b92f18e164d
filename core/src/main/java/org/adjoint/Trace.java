package org.adjoint;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import org.adjoint.graph.Node;
import org.adjoint.graph.Ops;
import org.adjoint.plan.Program;

/** What one run of a traced function records: which variables it read and assigned, what it depended on. */
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
    private long nextStream;

    Trace(Device device) {
        this.device = device;
    }

    /** The trace that this thread is in, or null. */
    static Trace current() {
        return CURRENT.get();
    }

    /** Makes this the thread's trace; {@code null} ends it. */
    static void enter(Trace trace) {
        CURRENT.set(trace);
    }

    Device device() {
        return device;
    }

    /** The variable's value at this point of the program. */
    Node read(Variable variable) {
        Node node = assigned.get(variable);
        return node != null ? node : leaf(variable);
    }

    private Node leaf(Variable variable) {
        return leaves.computeIfAbsent(variable, v -> Ops.leaf(v.type()));
    }

    void assign(Variable variable, Node value) {
        older.computeIfAbsent(variable, v -> new ArrayList<>()).add(read(variable));
        leaf(variable);
        assigned.put(variable, value);
    }

    /** Nodes that stood for the variable before it was assigned in this trace. */
    List<Node> olderReads(Variable variable) {
        return older.getOrDefault(variable, List.of());
    }

    /** A stream of random numbers that nothing else in this trace draws from. */
    long nextStream() {
        return nextStream++;
    }

    boolean drewRandomNumbers() {
        return nextStream > 0;
    }

    void guard(BooleanSupplier condition, boolean seen) {
        guards.add(new Guard(condition, seen));
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
