package org.adjoint;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.adjoint.graph.DType;
import org.adjoint.graph.Node;
import org.adjoint.graph.Op;
import org.adjoint.graph.Ops;
import org.adjoint.graph.Origin;
import org.adjoint.graph.ReduceOp;
import org.adjoint.graph.Shape;
import org.adjoint.graph.TensorType;
import org.adjoint.graph.UnaryOp;
import org.adjoint.plan.Program;

/**
 * Computes nodes one by one, in the order in which they were recorded, and finds for each value that is not finite
 * where that began. Each operation is a plan of its own over the values of its inputs; what only moves elements, and
 * constants, are part of the plans of those that read them.
 */
final class CheckedRun {
    /** Elements are looked up in tensors of up to so many. */
    private static final long SEARCHED = 1L << 26;

    /** What a leaf without a value stands for, and what it is called. */
    record Given(Storage storage, String name) { }

    /** What a value holds. */
    private record Flags(boolean nan, boolean infinite) {
        static final Flags NONE = new Flags(false, false);
    }

    /** Where a value that is not finite began. */
    private record Cause(Node node, boolean made, String description) { }

    private final Device device;
    private final Scope scope;
    private final Map<Node, Given> given;
    /** Leaves with values, and movement of these, in place of nodes; several for an operation with several results. */
    private final Map<Node, List<Node>> standIns = new IdentityHashMap<>();
    private final Map<Node, Flags> flags = new IdentityHashMap<>();
    private final Map<Node, Cause> nanCauses = new IdentityHashMap<>();
    private final Map<Node, Cause> infinityCauses = new IdentityHashMap<>();
    private final Map<Node, Integer> lastUses = new IdentityHashMap<>();
    private final Map<Integer, List<Storage>> dying = new HashMap<>();

    private CheckedRun(Device device, Scope scope, Map<Node, Given> given) {
        this.device = device;
        this.scope = scope;
        this.given = given;
    }

    /** Computes nodes into fresh memory, one owner each. */
    static List<Storage> compute(Device device, List<Node> nodes, List<Scope> owners, Map<Node, Given> given) {
        if (nodes.isEmpty()) {
            return List.of();
        }
        device.lock().lock();
        try {
            CheckedRun run = new CheckedRun(device, device.currentScope(), given);
            List<Storage> values = new ArrayList<>();
            Cause cause = run.evaluate(nodes, owners, values);
            if (cause != null) {
                throw run.exception(cause);
            }
            return values;
        } finally {
            device.lock().unlock();
        }
    }

    /** Adds what the nodes give to {@code values}, unless there is an anomaly: then returns where it began. */
    private Cause evaluate(List<Node> nodes, List<Scope> owners, List<Storage> values) {
        List<Node> order = new ArrayList<>(Program.of(nodes, List.of(), List.of(), true).order());
        order.sort(Comparator.comparingLong(Node::id));
        findLastUses(order, nodes);
        try {
            for (int i = 0; i < order.size(); i++) {
                visit(order.get(i));
                dying.getOrDefault(i, List.of()).forEach(Storage::free);
            }
            Cause cause = first(nodes);
            if (cause == null) {
                values.addAll(device.computeUnchecked(nodes.stream().map(this::standIn).toList(), owners));
            }
            return cause;
        } finally {
            dying.values().forEach(storages -> storages.forEach(Storage::free));
        }
    }

    /** Until when the memory behind each node is read, through movement too. */
    private void findLastUses(List<Node> order, List<Node> results) {
        results.forEach(result -> lastUses.put(result, order.size()));
        for (int i = order.size() - 1; i >= 0; i--) {
            Node node = order.get(i);
            int use = isMovement(node) ? lastUses.getOrDefault(node, i) : i;
            for (Node input : Program.isLeaf(node) ? List.<Node>of() : node.inputs()) {
                lastUses.merge(input, use, Math::max);
            }
        }
    }

    /** Whether a node is no work of its own: other layouts of its inputs, or what costs nothing. */
    private static boolean isMovement(Node node) {
        return switch (node.op()) {
            case Op.Constant _, Op.Iota _, Op.Reshape _, Op.Permute _, Op.Expand _, Op.Slice _, Op.Windows _,
                Op.StopGradient _, Op.WithGradient _, Op.Barrier _, Op.Project _ -> true;
            case Op.Leaf _, Op.RandomBits _, Op.Unary _, Op.Binary _, Op.Where _, Op.Cast _, Op.Reduce _,
                Op.ArgReduce _, Op.ArgSort _, Op.Pad _, Op.Concat _, Op.MatMul _, Op.Gather _, Op.Scatter _,
                Op.ScatterAdd _, Op.DynamicSlice _, Op.DynamicUpdateSlice _, Op.Scan _, Op.Fused _ -> false;
        };
    }

    private Node standIn(Node node) {
        return standIns.get(node).getFirst();
    }

    private void visit(Node node) {
        if (Program.isLeaf(node)) {
            standIns.put(node, List.of(leaf(node)));
            return;
        }
        List<Node> inputs = node.inputs().stream().map(this::standIn).toList();
        standIns.put(node, switch (node.op()) {
            case Op.Constant _, Op.Iota _ -> List.of(node);
            case Op.StopGradient _, Op.Barrier _ -> List.of(inputs.getFirst());
            case Op.WithGradient with -> inputs.subList(0, with.values());
            case Op.Project project -> List.of(standIns.get(node.input(0)).get(project.index()));
            case Op.Reshape _, Op.Permute _, Op.Expand _, Op.Slice _, Op.Windows _ -> List.of(Ops.again(node, inputs));
            case Op.Leaf _, Op.RandomBits _, Op.Unary _, Op.Binary _, Op.Where _, Op.Cast _, Op.Reduce _,
                Op.ArgReduce _, Op.ArgSort _, Op.Pad _, Op.Concat _, Op.MatMul _, Op.Gather _, Op.Scatter _,
                Op.ScatterAdd _, Op.DynamicSlice _, Op.DynamicUpdateSlice _, Op.Scan _, Op.Fused _ ->
                computed(node, inputs);
        });
        if (!isMovement(node)) {
            for (int i = 0; i < node.types().size(); i++) {
                check(node, node.output(i), standIns.get(node).get(i));
            }
        }
    }

    private Node leaf(Node node) {
        Given known = given.get(node);
        if (known == null) {
            // Refuses what belongs elsewhere.
            device.leafBuffer(node, node.op().name());
            return node;
        }
        return bound(node.type(), known.storage());
    }

    private static Node bound(TensorType type, Storage storage) {
        Node leaf = Ops.leaf(type);
        leaf.bind(storage);
        return leaf;
    }

    private List<Node> computed(Node node, List<Node> inputs) {
        Node again = Ops.again(node, inputs);
        int count = node.types().size();
        List<Node> outputs = IntStream.range(0, count).mapToObj(again::output).toList();
        List<Storage> storages = device.computeUnchecked(outputs, Collections.nCopies(count, scope));
        int last = lastUses.getOrDefault(node, -1);
        for (int i = 0; i < count; i++) {
            last = Math.max(last, lastUses.getOrDefault(node.output(i), -1));
        }
        dying.computeIfAbsent(last, _ -> new ArrayList<>()).addAll(storages);
        return IntStream.range(0, count).mapToObj(i -> bound(node.types().get(i), storages.get(i))).toList();
    }

    // What is not finite

    private void check(Node node, Node output, Node value) {
        Flags here = flags(output, value);
        if (here.nan()) {
            Cause cause = causeAmong(node, true);
            if (cause == null) {
                // An infinity that was made on the way came first; one that was there before made no NaN by itself.
                cause = causeAmong(node, false);
                cause = cause != null && cause.made() ? cause : made(node, output, value, true);
            }
            nanCauses.put(output, cause);
        }
        if (here.infinite()) {
            Cause cause = causeAmong(node, false);
            infinityCauses.put(output, cause != null ? cause : made(node, output, value, false));
        }
    }

    /** Of the inputs that hold such a value, where the first began; null if none does. */
    private Cause causeAmong(Node node, boolean nan) {
        Cause first = null;
        for (Node input : node.inputs()) {
            Flags flags = flags(input, standIn(input));
            if (nan ? flags.nan() : flags.infinite()) {
                Cause cause = cause(input, nan);
                boolean sooner = first == null
                    || cause.made() && (!first.made() || cause.node().id() < first.node().id());
                first = sooner ? cause : first;
            }
        }
        return first;
    }

    private Flags flags(Node node, Node value) {
        if (!node.dtype().isFloating() || node.shape().isEmpty()) {
            return Flags.NONE;
        }
        Flags known = flags.get(node);
        if (known == null) {
            known = isMovement(node) && !node.inputs().isEmpty() && !Program.isLeaf(node) && sourceIsFinite(node)
                ? Flags.NONE : measure(value);
            flags.put(node, known);
        }
        return known;
    }

    private boolean sourceIsFinite(Node node) {
        if (node.op() instanceof Op.Project) {
            return false;
        }
        return flags(node.input(0), standIn(node.input(0))).equals(Flags.NONE);
    }

    private Flags measure(Node value) {
        Node flat = Ops.reshape(value, Shape.of(value.shape().elements()));
        Node nan = Ops.cast(Ops.unary(UnaryOp.IS_NAN, flat), DType.I32);
        Node infinite = Ops.cast(Ops.equal(Ops.abs(flat), Double.POSITIVE_INFINITY), DType.I32);
        List<Storage> found = device.computeUnchecked(List.of(Ops.reduce(ReduceOp.MAX, nan, List.of(0)),
            Ops.reduce(ReduceOp.MAX, infinite, List.of(0))), List.of(scope, scope));
        int[] flags = new int[2];
        for (int i = 0; i < flags.length; i++) {
            int[] one = new int[1];
            device.read(found.get(i), MemorySegment.ofArray(one));
            found.get(i).free();
            flags[i] = one[0];
        }
        return new Flags(flags[0] != 0, flags[1] != 0);
    }

    /** Where the value of a node that is not finite began. */
    private Cause cause(Node node, boolean nan) {
        Cause known = (nan ? nanCauses : infinityCauses).get(node);
        if (known != null) {
            return known;
        }
        if (Program.isLeaf(node)) {
            return new Cause(node, false, name(node) + " " + node.type() + " held "
                + at(standIn(node), nan) + " before");
        }
        if (node.op() instanceof Op.Constant) {
            return new Cause(node, false, "a constant is " + (nan ? "NaN" : "infinite"));
        }
        // The one result of an operation with several that only renames, or what is moved.
        boolean renamed = node.op() instanceof Op.Project;
        return cause(renamed ? node.input(0).input(((Op.Project) node.op()).index()) : node.input(0), nan);
    }

    private String name(Node leaf) {
        if (given.containsKey(leaf)) {
            return given.get(leaf).name();
        }
        Variable variable = Uses.variable(leaf);
        if (variable != null) {
            return "variable '" + variable.name() + "'";
        }
        return leaf.op() instanceof Op.Leaf ? "a tensor" : "the result of " + leaf.op().name();
    }

    private Cause made(Node node, Node output, Node value, boolean nan) {
        Cause inside = node.op() instanceof Op.Scan scan ? insideLoop(scan, node) : null;
        if (inside != null) {
            return inside;
        }
        Origin origin = node.origin();
        String op = node.op().name();
        boolean backward = origin != null && origin.gradientOf() != null;
        String who = !backward ? op : "the gradient of " + origin.gradientOf()
            + (op.equals(origin.gradientOf()) ? "" : ", a " + op + ",");
        return new Cause(node, true, who + " gave " + at(value, nan) + " of " + output.type() + from(node, value, nan));
    }

    /** Runs a loop again, iteration by iteration, to find which operation of its body it was; null if none shows. */
    private Cause insideLoop(Op.Scan scan, Node node) {
        List<Node> leaves = scan.body().leaves();
        List<Node> results = scan.body().results();
        List<Storage> owned = new ArrayList<>();
        try {
            Storage[] inputs = new Storage[leaves.size()];
            for (long k = 0; k < scan.length(); k++) {
                long iteration = scan.reverse() ? scan.length() - 1 - k : k;
                Map<Node, Given> parameters = new IdentityHashMap<>();
                for (int i = 0; i < inputs.length; i++) {
                    boolean sliced = i >= scan.carries() && i < scan.carries() + scan.slices();
                    if (k == 0 || sliced) {
                        Node input = standIn(node.input(i));
                        Node part = sliced
                            ? Ops.reshape(Ops.slice(input, 0, iteration, iteration + 1), leaves.get(i).shape()) : input;
                        inputs[i] = device.computeUnchecked(List.of(part), List.of(scope)).getFirst();
                        owned.add(inputs[i]);
                    }
                    parameters.put(leaves.get(i), new Given(inputs[i], "parameter " + i + " of the loop's body"));
                }
                List<Storage> values = new ArrayList<>();
                Cause cause = new CheckedRun(device, scope, parameters)
                    .evaluate(results, Collections.nCopies(results.size(), scope), values);
                if (cause != null && cause.made()) {
                    return new Cause(cause.node(), true,
                        cause.description() + ", in iteration " + iteration + " of scan");
                }
                owned.addAll(values);
                for (int i = 0; i < scan.carries() && cause == null; i++) {
                    inputs[i] = values.get(i);
                }
            }
            return null;
        } finally {
            owned.forEach(Storage::free);
        }
    }

    /** The first such element and its place: {@code NaN at [0, 2]}. */
    private String at(Node value, boolean nan) {
        double[] all = value.shape().elements() <= SEARCHED ? elements(value) : new double[0];
        int position = position(all, nan);
        if (position < 0) {
            return nan ? "NaN" : "an infinity";
        }
        boolean scalar = value.shape().rank() == 0;
        return all[position] + (scalar ? "" : " at " + Arrays.toString(index(value.shape(), position)));
    }

    /** What an elementwise operation made it of. */
    private String from(Node node, Node value, boolean nan) {
        boolean elementwise = value.shape().elements() <= SEARCHED && !(node.op() instanceof Op.Reduce)
            && node.inputs().stream().allMatch(input -> input.shape().equals(value.shape()))
            && (node.op() instanceof Op.Unary || node.op() instanceof Op.Binary || node.op() instanceof Op.Where
            || node.op() instanceof Op.Cast || node.op() instanceof Op.Composition);
        if (!elementwise) {
            return "";
        }
        int position = position(elements(value), nan);
        return ", from " + node.inputs().stream().map(input -> String.valueOf(elements(standIn(input))[position]))
            .collect(Collectors.joining(" and "));
    }

    private double[] elements(Node value) {
        Storage storage = device.computeUnchecked(List.of(value), List.of(scope)).getFirst();
        try {
            return new Tensor(device, bound(value.type(), storage), null).toDoubleArray();
        } finally {
            storage.free();
        }
    }

    private static int position(double[] elements, boolean nan) {
        for (int i = 0; i < elements.length; i++) {
            if (nan ? Double.isNaN(elements[i]) : Double.isInfinite(elements[i])) {
                return i;
            }
        }
        return -1;
    }

    private static long[] index(Shape shape, long position) {
        long[] index = new long[shape.rank()];
        long rest = position;
        for (int axis = index.length - 1; axis >= 0; axis--) {
            index[axis] = rest % shape.extent(axis);
            rest /= shape.extent(axis);
        }
        return index;
    }

    /** The first that was made, or else a NaN that was there before; null if all is well. */
    private Cause first(List<Node> nodes) {
        Cause first = null;
        for (Node node : nodes) {
            if (Program.isLeaf(node)) {
                continue;
            }
            Flags held = flags(node, standIn(node));
            for (boolean nan : new boolean[] {true, false}) {
                Cause cause = (nan ? held.nan() : held.infinite()) ? cause(node, nan) : null;
                boolean counts = cause != null && (nan || cause.made());
                boolean sooner = counts && (first == null || cause.made() && !first.made()
                    || cause.made() == first.made() && cause.node().id() < first.node().id());
                first = sooner ? cause : first;
            }
        }
        return first;
    }

    private AnomalyException exception(Cause cause) {
        Origin origin = cause.node().origin();
        boolean backward = origin != null && origin.gradientOf() != null;
        String operation = backward ? origin.gradientOf()
            : cause.made() ? cause.node().op().name() : name(cause.node());
        List<StackTraceElement> frames = origin == null ? List.of() : origin.frames();
        String who = cause.made() ? operation : "it";
        String line = !frames.isEmpty() ? "; " + who + " was recorded at " + frames.getFirst()
            : cause.made() ? "; its line is not known, for it was recorded before Debug.detectAnomaly()" : "";
        return new AnomalyException("anomaly: " + cause.description() + line, operation, backward, frames);
    }
}
