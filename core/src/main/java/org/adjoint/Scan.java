package org.adjoint;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.adjoint.graph.Node;
import org.adjoint.graph.ScanOps;

/**
 * A loop whose iterations depend on each other, as {@code jax.lax.scan}: each gets what the one before made of the
 * carries and one slice of each scanned tensor, and makes new carries and outputs.
 *
 * <pre>{@code
 * Scan.Results sums = Scan.of((carries, slices) -> {
 *     Tensor total = carries.getFirst().add(slices.getFirst());
 *     return Scan.results(List.of(total), List.of(total));
 * }).run(List.of(device.zeros(DType.F32)), List.of(x));
 * }</pre>
 *
 * <p>The body is recorded once and planned once, however many iterations there are. What it uses from outside is the
 * same in all of them, and gradients flow there, to the first carries and to what is scanned. The gradient is a scan
 * the other way round; it keeps the carries and the products of matrices of each iteration and computes the rest of
 * it again.
 *
 * <p>A body has no values to read and assigns no variables. Random numbers drawn in it are others in each iteration.
 * If an index is out of range in an iteration, the run fails as it does elsewhere.
 */
public final class Scan {
    /** What an iteration does. */
    @FunctionalInterface
    public interface Body {
        /**
         * @param carries as the iteration before left them
         * @param slices one of each scanned tensor, without its leading axis
         */
        Results apply(List<Tensor> carries, List<Tensor> slices);
    }

    /**
     * Carries and outputs: of an iteration, or the last carries and the outputs of all, stacked along a leading axis.
     */
    public record Results(List<Tensor> carries, List<Tensor> outputs) {
        public Results {
            carries = List.copyOf(Functions.requireTensors("scan", carries));
            outputs = List.copyOf(Functions.requireTensors("scan", outputs));
        }

        public Tensor carry(int index) {
            return one("carry", carries, index);
        }

        public Tensor output(int index) {
            return one("output", outputs, index);
        }

        private static Tensor one(String what, List<Tensor> all, int index) {
            if (index < 0 || index >= all.size()) {
                throw new IndexOutOfBoundsException("scan: there is no " + what + " " + index + " among " + all.size());
            }
            return all.get(index);
        }
    }

    private final Body body;
    private final boolean reverse;

    private Scan(Body body, boolean reverse) {
        this.body = Objects.requireNonNull(body, "body");
        this.reverse = reverse;
    }

    public static Scan of(Body body) {
        return new Scan(body, false);
    }

    /** Shorthand for what a body returns. */
    public static Results results(List<Tensor> carries, List<Tensor> outputs) {
        return new Results(carries, outputs);
    }

    /** From the last slice to the first; outputs lie where the slices lay that they were made of. */
    public Scan reversed() {
        return new Scan(body, !reverse);
    }

    /**
     * An iteration for each slice along the leading axis.
     *
     * @param carries the first ones; the body returns as many, of the same shapes and dtypes
     * @param scanned at least one, with leading axes of one extent
     * @throws IllegalArgumentException for tensors that do not fit, or if the body's carries do not
     * @throws IllegalStateException if the body reads a value or assigns a variable
     */
    public Results run(List<Tensor> carries, List<Tensor> scanned) {
        return run(carries, scanned, -1);
    }

    /** As many iterations as told, with nothing scanned and at least one carry. */
    public Results run(List<Tensor> carries, long iterations) {
        if (iterations < 0) {
            throw new IllegalArgumentException(
                "scan: the number of iterations must not be negative but is " + iterations);
        }
        if (carries.isEmpty()) {
            throw new IllegalArgumentException("scan: there is neither a carry nor a tensor to scan");
        }
        return run(carries, List.of(), iterations);
    }

    private Results run(List<Tensor> carries, List<Tensor> scanned, long iterations) {
        List<Node> inputs = new ArrayList<>();
        List<Tensor> operands = new ArrayList<>(carries);
        operands.addAll(scanned);
        for (Tensor operand : operands) {
            inputs.add(operand.operand("scan"));
            operands.getFirst().device().requireSame("scan", operand.device());
        }
        if (operands.isEmpty()) {
            throw new IllegalArgumentException("scan: there is neither a carry nor a tensor to scan");
        }
        Device device = operands.getFirst().device();
        Trace outer = Trace.current();
        List<Node> initial = List.copyOf(inputs.subList(0, carries.size()));
        List<Node> whole = List.copyOf(inputs.subList(carries.size(), inputs.size()));
        ScanOps.Outcome outcome =
            ScanOps.scan(initial, whole, iterations, reverse, (first, slices, number) -> {
                Trace trace = Trace.ofBody(device, outer, count(scanned, iterations), number);
                ScanOps.Outcome made = record(device, trace, outer, first, slices);
                inputs.addAll(trace.used());
                return made;
            });
        return new Results(outcome.carries().stream().map(node -> Tensor.of(device, node, inputs)).toList(),
            outcome.outputs().stream().map(node -> Tensor.of(device, node, inputs)).toList());
    }

    private static long count(List<Tensor> scanned, long iterations) {
        return scanned.isEmpty() ? iterations : scanned.getFirst().shape().extent(0);
    }

    private ScanOps.Outcome record(Device device, Trace trace, Trace outer, List<Node> carries, List<Node> slices) {
        ScanOps.Outcome outcome;
        Trace.enter(trace);
        try {
            Results results = body.apply(handles(device, trace, carries), handles(device, trace, slices));
            if (results == null) {
                throw new IllegalStateException("scan: the body returns null: return Scan.results(carries, outputs)");
            }
            outcome = new ScanOps.Outcome(operands(results.carries), operands(results.outputs));
        } finally {
            Trace.enter(outer);
        }
        if (outer == null) {
            device.random().advance(trace);
        }
        return outcome;
    }

    private static List<Tensor> handles(Device device, Trace trace, List<Node> nodes) {
        return nodes.stream().map(node -> new Tensor(device, node, trace)).toList();
    }

    private static List<Node> operands(List<Tensor> tensors) {
        return tensors.stream().map(tensor -> tensor.operand("scan")).toList();
    }
}
