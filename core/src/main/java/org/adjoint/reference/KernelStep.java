package org.adjoint.reference;

import static org.adjoint.reference.Cells.cell;
import static org.adjoint.reference.Cells.real;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import org.adjoint.graph.BinaryOp;
import org.adjoint.graph.DType;
import org.adjoint.graph.Op;
import org.adjoint.graph.Philox;
import org.adjoint.plan.PlanStep;

/**
 * Runs the operations that are not elementwise. All inputs are read before the result is written, so that a result may
 * lie where an input lay.
 */
final class KernelStep {
    private KernelStep() { }

    /** @throws IndexOutOfBoundsException if an index or a start is out of range; nothing is written then */
    static void run(PlanStep.Kernel step, MemorySegment[] slots) {
        List<Dense> inputs = step.inputs().stream().map(view -> Dense.load(view, slots)).toList();
        Dense result = Dense.of(step.outputs().getFirst().dtype(), step.outputs().getFirst().shape());
        switch (step.op()) {
            case Op.Iota _ -> Arrays.setAll(result.cells(), i -> i);
            case Op.RandomBits _ -> randomBits(inputs.get(0), inputs.get(1), result);
            case Op.ArgReduce op -> argReduce(op, inputs.getFirst(), result);
            case Op.ArgSort op -> argSort(op, inputs.getFirst(), result);
            case Op.Pad op -> pad(op, inputs.get(0), inputs.get(1), result);
            case Op.Concat op -> concat(op.axis(), inputs, result);
            case Op.MatMul _ -> matmul(inputs.get(0), inputs.get(1), result);
            case Op.Gather op -> gather(op, inputs.get(0), inputs.get(1), result);
            case Op.Scatter op -> scatter(op.axis(), inputs, result);
            case Op.ScatterAdd op -> scatterAdd(op, inputs, result);
            case Op.DynamicSlice _ -> dynamicSlice(inputs.get(0), inputs.get(1), result);
            case Op.DynamicUpdateSlice _ -> dynamicUpdateSlice(inputs, result);
            case Op.Leaf _, Op.Constant _, Op.Unary _, Op.Binary _, Op.Where _, Op.Cast _, Op.Reduce _, Op.Reshape _,
                Op.Permute _, Op.Expand _, Op.Slice _, Op.Windows _, Op.StopGradient _, Op.WithGradient _, Op.Barrier _,
                Op.Project _, Op.Scan _, Op.Fused _ ->
                throw new IllegalArgumentException(
                    step.op().name() + " is no kernel of the reference: plan it as elementwise steps and views");
        }
        result.store(step.outputs().getFirst(), slots);
    }

    private static void randomBits(Dense state, Dense stream, Dense result) {
        Arrays.setAll(result.cells(),
            i -> Philox.word(state.cells()[0], state.cells()[1], stream.cells()[0], i));
    }

    private static void argReduce(Op.ArgReduce op, Dense x, Dense result) {
        int extent = x.extent(op.axis());
        int inner = x.span(op.axis() + 1, x.shape().rank());
        for (int i = 0; i < result.cells().length; i++) {
            int first = i / inner * extent * inner + i % inner;
            int best = 0;
            for (int k = 1; k < extent; k++) {
                if (beats(op, x.dtype(), x.cells()[first + k * inner], x.cells()[first + best * inner])) {
                    best = k;
                }
            }
            result.cells()[i] = best;
        }
    }

    private static boolean beats(Op.ArgReduce op, DType dtype, long challenger, long best) {
        if (dtype.isFloating() && (Double.isNaN(real(challenger)) || Double.isNaN(real(best)))) {
            return !Double.isNaN(real(best));
        }
        BinaryOp better = op.largest() ? BinaryOp.GREATER_THAN : BinaryOp.LESS_THAN;
        return Scalars.binary(better, dtype, challenger, best) != 0;
    }

    private static void argSort(Op.ArgSort op, Dense x, Dense result) {
        int extent = x.extent(op.axis());
        int inner = x.span(op.axis() + 1, x.shape().rank());
        Comparator<Long> order = (a, b) -> compare(x.dtype(), a, b);
        for (int line = 0; line < result.cells().length / Math.max(1, extent); line++) {
            int first = line / inner * extent * inner + line % inner;
            List<Integer> indices = new ArrayList<>(IntStream.range(0, extent).boxed().toList());
            indices.sort(Comparator.comparing(k -> x.cells()[first + k * inner],
                op.descending() ? order.reversed() : order));
            for (int k = 0; k < extent; k++) {
                result.cells()[first + k * inner] = indices.get(k);
            }
        }
    }

    /** NaN is greater than all numbers and equal to NaN; zeros are equal. */
    private static int compare(DType dtype, long a, long b) {
        if (dtype.isFloating() && (Double.isNaN(real(a)) || Double.isNaN(real(b)))) {
            return Boolean.compare(Double.isNaN(real(a)), Double.isNaN(real(b)));
        }
        return dtype.isFloating() ? Double.compare(real(a) + 0.0, real(b) + 0.0) : Long.compare(a, b);
    }

    private static void pad(Op.Pad op, Dense x, Dense value, Dense result) {
        Arrays.fill(result.cells(), value.cells()[0]);
        long[] strides = result.shape().contiguousStrides();
        for (int i = 0; i < x.cells().length; i++) {
            long position = 0;
            for (int axis = x.shape().rank() - 1, rest = i; axis >= 0; axis--) {
                long k = rest % x.extent(axis);
                rest /= x.extent(axis);
                position += (op.low().get(axis) + k * (op.interior().get(axis) + 1)) * strides[axis];
            }
            result.cells()[(int) position] = x.cells()[i];
        }
    }

    private static void concat(int axis, List<Dense> inputs, Dense result) {
        int row = result.span(axis, result.shape().rank());
        int start = 0;
        for (Dense input : inputs) {
            int part = input.span(axis, input.shape().rank());
            for (int o = 0; o < input.span(0, axis); o++) {
                System.arraycopy(input.cells(), o * part, result.cells(), o * row + start, part);
            }
            start += part;
        }
    }

    /** (batch..., m, k) . (batch..., k, n) */
    private static void matmul(Dense a, Dense b, Dense result) {
        int rank = a.shape().rank();
        int m = a.extent(rank - 2);
        int k = a.extent(rank - 1);
        int n = b.extent(rank - 1);
        boolean floating = result.dtype().isFloating();
        for (int batch = 0; batch < a.span(0, rank - 2); batch++) {
            for (int i = 0; i < m; i++) {
                for (int j = 0; j < n; j++) {
                    double real = 0;
                    long integer = 0;
                    for (int l = 0; l < k; l++) {
                        long x = a.cells()[(batch * m + i) * k + l];
                        long y = b.cells()[(batch * k + l) * n + j];
                        if (floating) {
                            real += real(x) * real(y);
                        } else {
                            integer += x * y;
                        }
                    }
                    result.cells()[(batch * m + i) * n + j] = floating ? cell(real) : integer;
                }
            }
        }
    }

    private static void gather(Op.Gather op, Dense x, Dense indices, Dense result) {
        for (int i = 0; i < result.cells().length; i++) {
            result.cells()[i] = x.cells()[target(op.name(), op.axis(), x, indices, i)];
        }
    }

    private static void scatterAdd(Op.ScatterAdd op, List<Dense> inputs, Dense result) {
        Dense indices = inputs.get(1);
        System.arraycopy(inputs.getFirst().cells(), 0, result.cells(), 0, result.cells().length);
        for (int i = 0; i < indices.cells().length; i++) {
            int target = target(op.name(), op.axis(), result, indices, i);
            result.cells()[target] =
                Scalars.binary(BinaryOp.ADD, result.dtype(), result.cells()[target], inputs.get(2).cells()[i]);
        }
    }

    private static void scatter(int axis, List<Dense> inputs, Dense result) {
        Dense indices = inputs.get(1);
        System.arraycopy(inputs.getFirst().cells(), 0, result.cells(), 0, result.cells().length);
        for (int i = 0; i < indices.cells().length; i++) {
            result.cells()[target("scatter", axis, result, indices, i)] = inputs.get(2).cells()[i];
        }
    }

    /** Where in x the index at position i of the indices points: i's own place, but along {@code axis}. */
    private static int target(String op, int axis, Dense x, Dense indices, int i) {
        long index = indices.cells()[i];
        if (index < 0 || index >= x.shape().extent(axis)) {
            throw new IndexOutOfBoundsException(op + ": index " + index + " is out of range for axis " + axis + " of "
                + x.shape() + ": use 0 to " + (x.shape().extent(axis) - 1));
        }
        long[] strides = x.shape().contiguousStrides();
        long target = index * strides[axis];
        for (int a = x.shape().rank() - 1, rest = i; a >= 0; a--) {
            target += a == axis ? 0 : rest % indices.extent(a) * strides[a];
            rest /= indices.extent(a);
        }
        return (int) target;
    }

    private static void dynamicSlice(Dense x, Dense starts, Dense result) {
        int[] window = window("dynamicSlice", x, starts, result);
        for (int i = 0; i < window.length; i++) {
            result.cells()[i] = x.cells()[window[i]];
        }
    }

    private static void dynamicUpdateSlice(List<Dense> inputs, Dense result) {
        System.arraycopy(inputs.getFirst().cells(), 0, result.cells(), 0, result.cells().length);
        Dense update = inputs.get(1);
        int[] window = window("dynamicUpdateSlice", result, inputs.get(2), update);
        for (int i = 0; i < window.length; i++) {
            result.cells()[window[i]] = update.cells()[i];
        }
    }

    /** For each element of a window with the shape of {@code part}, where in x it lies. */
    private static int[] window(String op, Dense x, Dense starts, Dense part) {
        long[] strides = x.shape().contiguousStrides();
        for (int axis = 0; axis < strides.length; axis++) {
            long start = starts.cells()[axis];
            long last = x.shape().extent(axis) - part.shape().extent(axis);
            if (start < 0 || start > last) {
                throw new IndexOutOfBoundsException(op + ": start " + start + " is out of range for a window "
                    + part.shape() + " along axis " + axis + " of " + x.shape() + ": use 0 to " + last);
            }
        }
        int[] window = new int[part.cells().length];
        for (int i = 0; i < window.length; i++) {
            long position = 0;
            for (int axis = strides.length - 1, rest = i; axis >= 0; axis--) {
                position += (starts.cells()[axis] + rest % part.extent(axis)) * strides[axis];
                rest /= part.extent(axis);
            }
            window[i] = (int) position;
        }
        return window;
    }
}
