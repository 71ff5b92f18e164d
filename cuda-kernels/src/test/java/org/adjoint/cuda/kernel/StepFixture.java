package org.adjoint.cuda.kernel;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.LongToDoubleFunction;
import org.adjoint.backend.Buffer;
import org.adjoint.backend.DeviceDriver;
import org.adjoint.backend.Executable;
import org.adjoint.cuda.CudaBackend;
import org.adjoint.cuda.emulator.Emulator;
import org.adjoint.graph.DType;
import org.adjoint.graph.Halves;
import org.adjoint.graph.Op;
import org.adjoint.graph.Shape;
import org.adjoint.plan.Plan;
import org.adjoint.plan.PlanStep;
import org.adjoint.plan.Slot;
import org.adjoint.plan.View;

/** The memory of one step under test: views of slots, filled and read element by element; it runs on the emulator. */
final class StepFixture {
    private static DeviceDriver driver;

    private final List<MemorySegment> slots = new ArrayList<>();
    private final Arena arena = Arena.ofAuto();

    /** Skips the test where the emulator can't run. Launches run in every order of threads, with the same bits. */
    static synchronized void open() {
        Emulator.require().order(Emulator.Order.ALL);
        if (driver == null) {
            driver = new CudaBackend().open(0, Map.of());
        }
    }

    static synchronized void close() {
        if (driver != null) {
            driver.close();
            driver = null;
            Emulator.start().order(Emulator.Order.FORWARD);
        }
    }

    /** A contiguous tensor; element i in row-major order is {@code values(i)}, rounded to the dtype. */
    View tensor(DType dtype, Shape shape, LongToDoubleFunction values) {
        return strided(dtype, shape, shape.contiguousStrides(), 0, shape.elements(), values);
    }

    View tensor(DType dtype, Shape shape, double... values) {
        return tensor(dtype, shape, i -> values[(int) i]);
    }

    /** A view into a slot of {@code slotElements} elements that are NaN (or -1) where the view has none. */
    View strided(DType dtype, Shape shape, long[] strides, long offset, long slotElements,
        LongToDoubleFunction values) {
        View whole = View.contiguous(slots.size(), dtype, Shape.of(slotElements));
        slots.add(arena.allocate(Math.max(1, slotElements) * dtype.bytes(), Plan.ALIGNMENT)
            .asSlice(0, slotElements * dtype.bytes()));
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
    View output(DType dtype, Shape shape) {
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

    void set(View view, long element, double value) {
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
    void setLong(View view, long element, long value) {
        slots.get(view.slot()).set(ValueLayout.JAVA_LONG_UNALIGNED, at(view, element) * Long.BYTES, value);
    }

    double get(View view, long element) {
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
    double[] values(View view) {
        double[] values = new double[(int) view.shape().elements()];
        for (int i = 0; i < values.length; i++) {
            values[i] = get(view, i);
        }
        return values;
    }

    /** Runs one step on the device. What it leaves in memory is there afterwards, also where it throws. */
    void run(Op op, List<View> inputs, List<View> outputs) {
        List<Slot> planned = new ArrayList<>();
        Buffer[] buffers = new Buffer[slots.size()];
        for (int i = 0; i < buffers.length; i++) {
            planned.add(new Slot(Slot.Kind.EXTERNAL, i, slots.get(i).byteSize()));
            buffers[i] = driver.allocate(slots.get(i).byteSize());
            driver.write(slots.get(i), buffers[i]);
        }
        Plan plan = new Plan(planned, List.of(new PlanStep.Kernel(op, inputs, outputs)), buffers.length, 0, 0,
            List.of(""));
        try (Executable executable = driver.compile(plan)) {
            executable.run(buffers, new long[0]);
        } finally {
            for (int i = 0; i < buffers.length; i++) {
                driver.read(buffers[i], slots.get(i));
                buffers[i].close();
            }
        }
    }

    /** Values between -1 and 1 that depend on the seed and the element alone. */
    static LongToDoubleFunction random(long seed) {
        return i -> new SplittableRandom(seed * 0x9E3779B97F4A7C15L + i).nextDouble(-1, 1);
    }
}
