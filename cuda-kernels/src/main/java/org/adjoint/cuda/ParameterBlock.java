package org.adjoint.cuda;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import org.adjoint.cuda.launch.Argument;
import org.adjoint.graph.DType;

/**
 * The parameters of one launch in native memory, as the driver takes them: a pointer to each, then the values.
 * Constants are written once, addresses and scalars before each run.
 */
final class ParameterBlock {
    /** Where a value lies and what it is. */
    private record Field(long offset, Argument argument) { }

    private final MemorySegment memory;
    private final List<Field> varying = new ArrayList<>();

    ParameterBlock(Arena arena, List<Argument> arguments, int stepNumber) {
        List<Field> fields = new ArrayList<>();
        long[] starts = new long[arguments.size()];
        long offset = (long) arguments.size() * Long.BYTES;
        for (int i = 0; i < starts.length; i++) {
            starts[i] = align(offset, alignment(arguments.get(i)));
            offset = place(arguments.get(i), starts[i], fields);
        }
        memory = arena.allocate(Math.max(offset, Long.BYTES), Long.BYTES);
        for (int i = 0; i < starts.length; i++) {
            memory.set(ValueLayout.JAVA_LONG, (long) i * Long.BYTES, memory.address() + starts[i]);
        }
        for (Field field : fields) {
            if (!writeConstant(field, stepNumber)) {
                varying.add(field);
            }
        }
    }

    private static long align(long offset, long alignment) {
        return (offset + alignment - 1) & -alignment;
    }

    private static long alignment(Argument argument) {
        return switch (argument) {
            case Argument.Struct(List<Argument> fields) ->
                fields.stream().mapToLong(ParameterBlock::alignment).max().orElse(1);
            case Argument.Int64s _ -> Long.BYTES;
            case Argument.Address _, Argument.Workspace _, Argument.Status _, Argument.Int64 _, Argument.Float64 _ ->
                Long.BYTES;
            case Argument.StepNumber _, Argument.Int32 _, Argument.Float32 _ -> Integer.BYTES;
            case Argument.Scalar scalar -> scalar.dtype().computeType().bytes();
        };
    }

    /** Adds the fields of an argument that starts at {@code offset}; returns where it ends. */
    private static long place(Argument argument, long offset, List<Field> fields) {
        return switch (argument) {
            case Argument.Struct struct -> {
                long end = offset;
                for (Argument field : struct.fields()) {
                    end = place(field, align(end, alignment(field)), fields);
                }
                yield align(end, alignment(struct));
            }
            case Argument.Int64s numbers -> {
                fields.add(new Field(offset, argument));
                yield offset + (long) numbers.values().length * Long.BYTES;
            }
            case Argument.Address _, Argument.Workspace _, Argument.Status _, Argument.Int64 _, Argument.Float64 _,
                Argument.StepNumber _, Argument.Int32 _, Argument.Float32 _, Argument.Scalar _ -> {
                fields.add(new Field(offset, argument));
                yield offset + alignment(argument);
            }
        };
    }

    private boolean writeConstant(Field field, int stepNumber) {
        switch (field.argument) {
            case Argument.StepNumber _ -> memory.set(ValueLayout.JAVA_INT, field.offset, stepNumber);
            case Argument.Int32(int value) -> memory.set(ValueLayout.JAVA_INT, field.offset, value);
            case Argument.Int64(long value) -> memory.set(ValueLayout.JAVA_LONG, field.offset, value);
            case Argument.Float32(float value) -> memory.set(ValueLayout.JAVA_FLOAT, field.offset, value);
            case Argument.Float64(double value) -> memory.set(ValueLayout.JAVA_DOUBLE, field.offset, value);
            case Argument.Int64s(long[] values) ->
                MemorySegment.copy(values, 0, memory, ValueLayout.JAVA_LONG, field.offset, values.length);
            case Argument.Address _, Argument.Workspace _, Argument.Status _, Argument.Scalar _, Argument.Struct _ -> {
                return false;
            }
        }
        return true;
    }

    /** Writes what this run binds; the memory is read when the launch is enqueued. */
    MemorySegment bind(Binding binding) {
        for (Field field : varying) {
            if (field.argument instanceof Argument.Scalar scalar) {
                write(field.offset, scalar.dtype().computeType(), binding.scalars()[scalar.index()]);
            } else {
                memory.set(ValueLayout.JAVA_LONG, field.offset, binding.address(field.argument));
            }
        }
        return memory;
    }

    private void write(long offset, DType dtype, long bits) {
        switch (dtype) {
            case BOOL, U8 -> memory.set(ValueLayout.JAVA_BYTE, offset, (byte) bits);
            case I32 -> memory.set(ValueLayout.JAVA_INT, offset, (int) bits);
            case I64, F64 -> memory.set(ValueLayout.JAVA_LONG, offset, bits);
            case F16, BF16, F32 ->
                memory.set(ValueLayout.JAVA_FLOAT, offset, (float) Double.longBitsToDouble(bits));
        }
    }
}
