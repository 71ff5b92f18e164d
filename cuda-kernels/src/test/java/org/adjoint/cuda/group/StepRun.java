package org.adjoint.cuda.group;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;
import org.adjoint.backend.Backend;
import org.adjoint.backend.Buffer;
import org.adjoint.backend.DeviceDriver;
import org.adjoint.backend.Executable;
import org.adjoint.cuda.CudaBackend;
import org.adjoint.cuda.emulator.Emulator;
import org.adjoint.graph.DType;
import org.adjoint.graph.Halves;
import org.adjoint.graph.Shape;
import org.adjoint.plan.Plan;
import org.adjoint.plan.PlanStep;
import org.adjoint.plan.Slot;
import org.adjoint.plan.View;

/** A step under test, with memory to run it on: on the CPU, and on the emulated card. */
final class StepRun {
    private static DeviceDriver cpu;
    private static DeviceDriver cuda;

    /** Skips the test where the emulator can't run. */
    static synchronized void open() {
        Emulator.require();
        if (cuda == null) {
            cuda = new CudaBackend().open(0, Map.of());
            cpu = cpu().open(0, Map.of());
        }
    }

    /** As its users get it: the two backends do not know each other. */
    private static Backend cpu() {
        StepRun.class.getModule().addUses(Backend.class);
        return ServiceLoader.load(Backend.class).stream().map(ServiceLoader.Provider::get)
            .filter(backend -> backend.name().equals("cpu")).findFirst().orElseThrow();
    }

    static synchronized void close() {
        if (cuda != null) {
            cuda.close();
            cpu.close();
            cuda = null;
        }
    }

    private StepRun() { }

    static View contiguous(int slot, DType dtype, long... extents) {
        return View.contiguous(slot, dtype, Shape.of(extents));
    }

    /** The slots after the step has run on the emulated card. */
    static List<byte[]> onCuda(PlanStep.Elementwise step, List<byte[]> slots, long... scalars) {
        return run(cuda, List.of(step), slots, scalars);
    }

    static List<byte[]> onCpu(PlanStep.Elementwise step, List<byte[]> slots, long... scalars) {
        return run(cpu, List.of(step), slots, scalars);
    }

    /** The slots after several steps. */
    static List<byte[]> onCuda(List<PlanStep.Elementwise> steps, List<byte[]> slots, long... scalars) {
        return run(cuda, steps, slots, scalars);
    }

    static List<byte[]> onCpu(List<PlanStep.Elementwise> steps, List<byte[]> slots, long... scalars) {
        return run(cpu, steps, slots, scalars);
    }

    private static List<byte[]> run(DeviceDriver driver, List<PlanStep.Elementwise> steps, List<byte[]> slots,
        long[] scalars) {
        List<Slot> planned = new ArrayList<>();
        Buffer[] buffers = new Buffer[slots.size()];
        List<byte[]> results = new ArrayList<>();
        try (Arena arena = Arena.ofConfined()) {
            for (int i = 0; i < buffers.length; i++) {
                int bytes = slots.get(i).length;
                planned.add(new Slot(Slot.Kind.EXTERNAL, i, bytes));
                buffers[i] = driver.allocate(bytes);
                MemorySegment source = arena.allocate(Math.max(1, bytes), Plan.ALIGNMENT).asSlice(0, bytes);
                MemorySegment.copy(slots.get(i), 0, source, ValueLayout.JAVA_BYTE, 0, bytes);
                driver.write(source, buffers[i]);
            }
            Plan plan = new Plan(planned, List.copyOf(steps), buffers.length, scalars.length, 0,
                Collections.nCopies(steps.size(), ""));
            try (Executable executable = driver.compile(plan)) {
                executable.run(buffers, scalars);
            }
            for (Buffer buffer : buffers) {
                MemorySegment target = arena.allocate(Math.max(1, buffer.bytes()), Plan.ALIGNMENT)
                    .asSlice(0, buffer.bytes());
                driver.read(buffer, target);
                results.add(target.toArray(ValueLayout.JAVA_BYTE));
            }
        } finally {
            for (Buffer buffer : buffers) {
                if (buffer != null) {
                    buffer.close();
                }
            }
        }
        return results;
    }

    /** Fails where the slot of an output differs by a bit, but for the payloads of NaNs. */
    static void assertSameBits(String name, PlanStep.Elementwise step, List<byte[]> expected, List<byte[]> actual) {
        for (int output = 0; output < step.outputs().size(); output++) {
            View view = step.outputs().get(output);
            String line = step.group().body().get(step.group().results().get(output).value()).toString();
            MemorySegment wanted = MemorySegment.ofArray(expected.get(view.slot()));
            MemorySegment got = MemorySegment.ofArray(actual.get(view.slot()));
            for (long i = 0; i < wanted.byteSize() / view.dtype().bytes(); i++) {
                long a = bits(wanted, view.dtype(), i);
                long b = bits(got, view.dtype(), i);
                if (a != b && !(isNaN(view.dtype(), a) && isNaN(view.dtype(), b))) {
                    assertEquals(Long.toHexString(a), Long.toHexString(b),
                        name + ", " + line + " to " + view + ", element " + i);
                }
            }
        }
    }

    static long bits(MemorySegment memory, DType dtype, long i) {
        return switch (dtype.bytes()) {
            case 1 -> memory.get(ValueLayout.JAVA_BYTE, i) & 0xff;
            case 2 -> memory.get(ValueLayout.JAVA_SHORT_UNALIGNED, 2 * i) & 0xffff;
            case 4 -> memory.get(ValueLayout.JAVA_INT_UNALIGNED, 4 * i) & 0xffffffffL;
            default -> memory.get(ValueLayout.JAVA_LONG_UNALIGNED, 8 * i);
        };
    }

    static void put(MemorySegment memory, DType dtype, long i, long bits) {
        switch (dtype.bytes()) {
            case 1 -> memory.set(ValueLayout.JAVA_BYTE, i, (byte) bits);
            case 2 -> memory.set(ValueLayout.JAVA_SHORT_UNALIGNED, 2 * i, (short) bits);
            case 4 -> memory.set(ValueLayout.JAVA_INT_UNALIGNED, 4 * i, (int) bits);
            default -> memory.set(ValueLayout.JAVA_LONG_UNALIGNED, 8 * i, bits);
        }
    }

    /** A small integer in {@code dtype}. */
    static long bits(DType dtype, int value) {
        return switch (dtype) {
            case BOOL, U8, I32, I64 -> value;
            case F16 -> Halves.f16(value);
            case BF16 -> Halves.bf16(value);
            case F32 -> Float.floatToRawIntBits(value);
            case F64 -> Double.doubleToRawLongBits(value);
        };
    }

    private static boolean isNaN(DType dtype, long bits) {
        return switch (dtype) {
            case F16 -> (bits & 0x7fff) > 0x7c00;
            case BF16 -> (bits & 0x7fff) > 0x7f80;
            case F32 -> Float.isNaN(Float.intBitsToFloat((int) bits));
            case F64 -> Double.isNaN(Double.longBitsToDouble(bits));
            case BOOL, U8, I32, I64 -> false;
        };
    }
}
