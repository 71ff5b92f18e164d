package org.adjoint.cpu.group;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/** The rows that one thread computes in. A row holds a block of points, and room for a vector more. */
final class Scratch {
    /** Points of a block that passes through rows: a row is 4 KiB of floats, so that a body's rows stay in cache. */
    static final int BLOCK = RowKernels.CHUNK;
    private static final int PADDING = 16;
    private static final ThreadLocal<Scratch> OF_THREAD = ThreadLocal.withInitial(Scratch::new);

    private final Map<Kind, List<Object>> rows = new EnumMap<>(Kind.class);
    private final Map<Kind, List<Object>> results = new EnumMap<>(Kind.class);
    private final List<Object[]> bases = new ArrayList<>();
    private final List<long[]> offsets = new ArrayList<>();
    private final float[] floatLanes = new float[RowKernels.FLOAT_LANES];
    private final double[] doubleLanes = new double[RowKernels.DOUBLE_LANES];
    private final int[] intLanes = new int[RowKernels.FLOAT_LANES];
    private final long[] longLanes = new long[RowKernels.DOUBLE_LANES];
    private long[] scalars = new long[16];

    private Scratch() {
        for (Kind kind : Kind.values()) {
            rows.put(kind, new ArrayList<>());
            results.put(kind, new ArrayList<>());
        }
    }

    static Scratch ofThread() {
        return OF_THREAD.get();
    }

    /** Row {@code index} of those that hold {@code kind} while a body is computed. */
    Object row(Kind kind, int index) {
        return row(rows, kind, index);
    }

    /** Row {@code index} of those that hold {@code kind} from one block to the next. */
    Object result(Kind kind, int index) {
        return row(results, kind, index);
    }

    private static Object row(Map<Kind, List<Object>> rows, Kind kind, int index) {
        List<Object> some = rows.get(kind.stored());
        while (some.size() <= index) {
            some.add(newRow(kind.stored()));
        }
        return some.get(index);
    }

    static Object newRow(Kind kind) {
        int length = BLOCK + PADDING;
        return switch (kind) {
            case F32 -> new float[length];
            case F64 -> new double[length];
            case I32, MASK -> new int[length];
            case I64 -> new long[length];
        };
    }

    /** The virtual lanes of a reduction. */
    Object lanes(Kind kind) {
        return switch (kind.stored()) {
            case F32 -> floatLanes;
            case F64 -> doubleLanes;
            case I32, MASK -> intLanes;
            case I64 -> longLanes;
        };
    }

    /** An array for {@code count} bases of a kernel's operands. */
    Object[] bases(int count) {
        while (bases.size() <= count) {
            bases.add(new Object[bases.size()]);
            offsets.add(new long[offsets.size()]);
        }
        return bases.get(count);
    }

    /** An array for {@code count} offsets. */
    long[] offsets(int count) {
        bases(count);
        return offsets.get(count);
    }

    long[] scalars(int count) {
        if (scalars.length < count) {
            scalars = new long[2 * count];
        }
        return scalars;
    }
}
