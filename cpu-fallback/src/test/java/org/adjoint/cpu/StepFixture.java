package org.adjoint.cpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongToDoubleFunction;
import org.adjoint.graph.DType;
import org.adjoint.graph.Halves;
import org.adjoint.graph.Op;
import org.adjoint.graph.Shape;
import org.adjoint.plan.PlanStep;
import org.adjoint.plan.View;

/** The memory of one kernel under test: views of slots, filled and read element by element. */
public final class StepFixture {
    /** Every vector width, and scalar code. */
    public static final int[] WIDTHS = {0, 128, 256, 512};

    private static final Map<Integer, Kernels> KERNELS = new ConcurrentHashMap<>();
    private static final Map<Integer, WorkerPool> POOLS = new ConcurrentHashMap<>();

    private final List<MemorySegment> slots = new ArrayList<>();
    private final Arena arena = Arena.ofAuto();

    /** A contiguous tensor; element i in row-major order is {@code values(i)}, rounded to the dtype. */
    public View tensor(DType dtype, Shape shape, LongToDoubleFunction values) {
        return strided(dtype, shape, shape.contiguousStrides(), 0, shape.elements(), values);
    }

    public View tensor(DType dtype, Shape shape, double... values) {
        return tensor(dtype, shape, i -> values[(int) i]);
    }

    /** A view into a slot of {@code slotElements} elements that are NaN (or -1) where the view has none. */
    public View strided(DType dtype, Shape shape, long[] strides, long offset, long slotElements,
        LongToDoubleFunction values) {
        View whole = View.contiguous(slots.size(), dtype, Shape.of(slotElements));
        slots.add(arena.allocate(MemoryPool.padded(slotElements * dtype.bytes()), 64));
        for (long i = 0; i < slotElements; i++) {
            set(whole, i, dtype.isFloating() ? Double.NaN : dtype.isBoolean() ? 1 : dtype == DType.U8 ? 255 : -1);
        }
        View view = new View(whole.slot(), dtype, shape, strides, offset);
        for (long i = 0; i < shape.elements(); i++) {
            set(view, i, values.applyAsDouble(i));
        }
        return view;
    }

    /** A contiguous tensor whose contents are not what the kernel is to write. */
    public View output(DType dtype, Shape shape) {
        return tensor(dtype, shape, i -> dtype.isFloating() ? Double.NaN : dtype.isBoolean() ? 1 : 77);
    }

    private static long at(View view, long element) {
        long at = view.offset();
        for (int axis = view.shape().rank() - 1; axis >= 0; axis--) {
            at += element % view.shape().extent(axis) * view.strides()[axis];
            element /= view.shape().extent(axis);
        }
        return at;
    }

    public void set(View view, long element, double value) {
        MemorySegment memory = slots.get(view.slot());
        long offset = at(view, element) * view.dtype().bytes();
        switch (view.dtype()) {
            case BOOL, U8 -> memory.set(ValueLayout.JAVA_BYTE, offset, (byte) (long) value);
            case I32 -> memory.set(ValueLayout.JAVA_INT_UNALIGNED, offset, (int) value);
            case I64 -> memory.set(ValueLayout.JAVA_LONG_UNALIGNED, offset, (long) value);
            case F16 -> memory.set(ValueLayout.JAVA_SHORT_UNALIGNED, offset, Halves.f16(value));
            case BF16 -> memory.set(ValueLayout.JAVA_SHORT_UNALIGNED, offset, Halves.bf16(value));
            case F32 -> memory.set(ValueLayout.JAVA_FLOAT_UNALIGNED, offset, (float) value);
            case F64 -> memory.set(ValueLayout.JAVA_DOUBLE_UNALIGNED, offset, value);
        }
    }

    /** For integers that a double can't hold. */
    public void setLong(View view, long element, long value) {
        slots.get(view.slot()).set(ValueLayout.JAVA_LONG_UNALIGNED, at(view, element) * Long.BYTES, value);
    }

    /** As many of these bits as an element has. */
    public void setBits(View view, long element, long bits) {
        MemorySegment memory = slots.get(view.slot());
        long offset = at(view, element) * view.dtype().bytes();
        switch (view.dtype().bytes()) {
            case 1 -> memory.set(ValueLayout.JAVA_BYTE, offset, (byte) bits);
            case 2 -> memory.set(ValueLayout.JAVA_SHORT_UNALIGNED, offset, (short) bits);
            case 4 -> memory.set(ValueLayout.JAVA_INT_UNALIGNED, offset, (int) bits);
            default -> memory.set(ValueLayout.JAVA_LONG_UNALIGNED, offset, bits);
        }
    }

    public double get(View view, long element) {
        MemorySegment memory = slots.get(view.slot());
        long offset = at(view, element) * view.dtype().bytes();
        return switch (view.dtype()) {
            case BOOL, U8 -> memory.get(ValueLayout.JAVA_BYTE, offset) & 0xff;
            case I32 -> memory.get(ValueLayout.JAVA_INT_UNALIGNED, offset);
            case I64 -> memory.get(ValueLayout.JAVA_LONG_UNALIGNED, offset);
            case F16 -> Float.float16ToFloat(memory.get(ValueLayout.JAVA_SHORT_UNALIGNED, offset));
            case BF16 -> Halves.bf16ToFloat(memory.get(ValueLayout.JAVA_SHORT_UNALIGNED, offset));
            case F32 -> memory.get(ValueLayout.JAVA_FLOAT_UNALIGNED, offset);
            case F64 -> memory.get(ValueLayout.JAVA_DOUBLE_UNALIGNED, offset);
        };
    }

    /** All elements in row-major order. */
    public double[] values(View view) {
        double[] values = new double[(int) view.shape().elements()];
        for (int i = 0; i < values.length; i++) {
            values[i] = get(view, i);
        }
        return values;
    }

    /** Runs one step with kernels of a vector width on so many workers. */
    public void run(Op op, List<View> inputs, List<View> outputs, int vectorBits, int threads) {
        KERNELS.computeIfAbsent(vectorBits, Kernels::new).prepare(new PlanStep.Kernel(op, inputs, outputs))
            .run(slots.toArray(MemorySegment[]::new), new long[0],
                POOLS.computeIfAbsent(threads, WorkerPool::new));
    }

    /** Runs a step at every width, at the last with two threads as well: the bits of its results must be the same. */
    public void runEverywhere(Op op, List<View> inputs, List<View> outputs) {
        List<double[]> expected = null;
        for (int bits : WIDTHS) {
            for (int threads = 1; threads <= (bits == 512 ? 2 : 1); threads++) {
                run(op, inputs, outputs, bits, threads);
                List<double[]> found = outputs.stream().map(this::values).toList();
                expected = expected == null ? found : expected;
                for (int i = 0; i < found.size(); i++) {
                    assertArrayEquals(expected.get(i), found.get(i), op.name() + " at " + bits + " bits with " + threads
                        + " threads, result " + i);
                }
            }
        }
    }

    /** Values between -1 and 1 that depend on the seed and the element alone. */
    public static LongToDoubleFunction random(long seed) {
        return i -> new SplittableRandom(seed * 0x9E3779B97F4A7C15L + i).nextDouble(-1, 1);
    }
}
