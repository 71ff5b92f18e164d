package org.adjoint.cpu.gemm;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Random;

/**
 * One product with its operands in native memory, and the naive f64 triple loop that is its truth.
 *
 * <p>c lies in the middle of memory filled with a pattern; what does not belong to c must be unchanged afterwards.
 */
final class GemmCase {

    private static final byte GUARD = 0x5a;

    /** How a matrix is stored. */
    enum Order {
        ROWS, COLUMNS, PADDED_ROWS, PADDED_COLUMNS, ROWS_BACKWARD, COLUMNS_BACKWARD, SPREAD;

        /** Strides of a rows x columns matrix, in elements. */
        private long[] strides(long rows, long columns) {
            return switch (this) {
                case ROWS -> new long[] {columns, 1};
                case COLUMNS -> new long[] {1, rows};
                case PADDED_ROWS -> new long[] {columns + 5, 1};
                case PADDED_COLUMNS -> new long[] {1, rows + 3};
                case ROWS_BACKWARD -> new long[] {-columns, 1};
                case COLUMNS_BACKWARD -> new long[] {columns, -1};
                case SPREAD -> new long[] {2 * columns + 7, 2};
            };
        }
    }

    private record Matrix(MemorySegment segment, long offset, Layout layout) {

        long at(long batch, long[] extents, long row, long column) {
            return offset + layout.batchOffset(batch, extents) + layout.offset(row, column);
        }
    }

    final ElementType type;
    final long m;
    final long n;
    final long k;
    final boolean accumulate;
    final long[] extents;
    private final Matrix a;
    private final Matrix b;
    private final Matrix c;
    private final byte[] before;

    private GemmCase(Builder builder, Arena arena) {
        type = builder.type;
        m = builder.m;
        n = builder.n;
        k = builder.k;
        accumulate = builder.accumulate;
        extents = builder.extents;
        Random random = new Random(31 * m + 7 * n + k);
        a = matrix(arena, builder.aType, m, k, builder.aOrder, builder.aBroadcast, random);
        b = matrix(arena, builder.bType, k, n, builder.bOrder, builder.bBroadcast, random);
        c = matrix(arena, type, m, n, builder.cOrder, false, random);
        if (!accumulate) {
            c.segment.fill(GUARD);
        }
        before = c.segment.toArray(ValueLayout.JAVA_BYTE);
    }

    private Matrix matrix(Arena arena, ElementType type, long rows, long columns, Order order, boolean broadcast,
            Random random) {
        long[] strides = order.strides(rows, columns);
        long size = Math.abs(strides[0]) * Math.max(rows, 1) + Math.abs(strides[1]) * Math.max(columns, 1) + 8;
        long[] batchStrides = new long[extents.length];
        long count = 1;
        for (int d = extents.length - 1; d >= 0; d--) {
            batchStrides[d] = broadcast ? 0 : count * size;
            count *= broadcast ? 1 : extents[d];
        }
        long elements = Math.max(1, count) * size;
        MemorySegment segment = arena.allocate(elements * type.bytes(), 64);
        for (long i = 0; i < elements; i++) {
            write(type, segment, i * type.bytes(), random.nextGaussian());
        }
        long first = 4 + Math.max(0, -strides[0] * (rows - 1)) + Math.max(0, -strides[1] * (columns - 1));
        return new Matrix(segment, first * type.bytes(), new Layout(type, strides[0], strides[1], batchStrides));
    }

    private GemmCase(GemmCase whole, long rows) {
        type = whole.type;
        m = rows;
        n = whole.n;
        k = whole.k;
        accumulate = whole.accumulate;
        extents = whole.extents;
        a = whole.a;
        b = whole.b;
        c = new Matrix(MemorySegment.ofArray(whole.c.segment.toArray(ValueLayout.JAVA_BYTE)), whole.c.offset,
                whole.c.layout);
        before = whole.before;
    }

    /** The product of the first rows of a, with memory of its own for c. */
    GemmCase firstRows(long rows) {
        return new GemmCase(this, rows);
    }

    static Builder of(long m, long n, long k) {
        return new Builder(m, n, k);
    }

    long batches() {
        long batches = 1;
        for (long extent : extents) {
            batches *= extent;
        }
        return batches;
    }

    /** Restores c and runs the product; returns all of c's memory. */
    byte[] run(Gemm gemm, Parallel parallel) {
        MemorySegment.copy(before, 0, c.segment, ValueLayout.JAVA_BYTE, 0, before.length);
        gemm.plan(m, n, k, a.layout, b.layout, c.layout, accumulate, extents)
                .run(a.segment, a.offset, b.segment, b.offset, c.segment, c.offset, parallel);
        return c.segment.toArray(ValueLayout.JAVA_BYTE);
    }

    void setA(long row, long step, double value) {
        write(a.layout.type(), a.segment, a.at(0, extents, row, step), value);
    }

    double result(long batch, long row, long column) {
        return read(type, c.segment, c.at(batch, extents, row, column));
    }

    /**
     * Compares the last run with the naive loop; the bound is that of a chain of at most one block, then a sum of
     * blocks: |c - reference| <= gamma * sum |a| |b|, plus one rounding to a 16-bit result.
     *
     * @return what is wrong, or null
     */
    String verdict(int maxDepth) {
        double unit = type == ElementType.F64 ? 0x1p-53 : 0x1p-24;
        double operations = Math.min(k, maxDepth) + Math.ceilDiv(k, maxDepth) + 1;
        double gamma = operations * unit / (1 - operations * unit);
        MemorySegment expected = MemorySegment.ofArray(before.clone());
        for (long batch = 0; batch < batches(); batch++) {
            for (long i = 0; i < m; i++) {
                for (long j = 0; j < n; j++) {
                    long at = c.at(batch, extents, i, j);
                    String wrong = element(batch, i, j, at, gamma);
                    if (wrong != null) {
                        return wrong;
                    }
                    MemorySegment.copy(c.segment, at, expected, at, type.bytes());
                }
            }
        }
        long mismatch = expected.mismatch(c.segment);
        return mismatch < 0 ? null : "wrote outside of c, at byte " + mismatch;
    }

    private String element(long batch, long i, long j, long at, double gamma) {
        MemorySegment old = MemorySegment.ofArray(before);
        if (type == ElementType.I32 || type == ElementType.I64) {
            long sum = accumulate ? readInteger(old, at) : 0;
            for (long p = 0; p < k; p++) {
                sum += readInteger(a.segment, a.at(batch, extents, i, p))
                        * readInteger(b.segment, b.at(batch, extents, p, j));
            }
            long actual = readInteger(c.segment, at);
            return actual == (type == ElementType.I32 ? (int) sum : sum) ? null
                    : "(%d, %d, %d): %d instead of %d".formatted(batch, i, j, actual, sum);
        }
        double sum = accumulate ? read(type, old, at) : 0;
        double magnitude = Math.abs(sum);
        for (long p = 0; p < k; p++) {
            double product = read(a.layout.type(), a.segment, a.at(batch, extents, i, p))
                    * read(b.layout.type(), b.segment, b.at(batch, extents, p, j));
            sum += product;
            magnitude += Math.abs(product);
        }
        double rounding = switch (type) {
            case F16 -> Math.abs(sum) * 0x1p-11 + 0x1p-25;
            case BF16 -> Math.abs(sum) * 0x1p-8;
            default -> 0;
        };
        // The reference itself rounds in f64.
        double bound = (gamma + k * 0x1p-53) * magnitude * (1 + 0x1p-8) + rounding;
        double actual = read(type, c.segment, at);
        return Math.abs(actual - sum) <= bound ? null
                : "(%d, %d, %d): %s instead of %s, bound %s".formatted(batch, i, j, actual, sum, bound);
    }

    private long readInteger(MemorySegment segment, long at) {
        return type == ElementType.I32 ? segment.get(ValueLayout.JAVA_INT_UNALIGNED, at)
                : segment.get(ValueLayout.JAVA_LONG_UNALIGNED, at);
    }

    private static double read(ElementType type, MemorySegment segment, long at) {
        return switch (type) {
            case F32 -> segment.get(ValueLayout.JAVA_FLOAT_UNALIGNED, at);
            case F64 -> segment.get(ValueLayout.JAVA_DOUBLE_UNALIGNED, at);
            case F16 -> Float.float16ToFloat(segment.get(ValueLayout.JAVA_SHORT_UNALIGNED, at));
            case BF16 -> Float.intBitsToFloat(segment.get(ValueLayout.JAVA_SHORT_UNALIGNED, at) << 16);
            case I32 -> segment.get(ValueLayout.JAVA_INT_UNALIGNED, at);
            case I64 -> segment.get(ValueLayout.JAVA_LONG_UNALIGNED, at);
        };
    }

    private static void write(ElementType type, MemorySegment segment, long at, double value) {
        switch (type) {
            case F32 -> segment.set(ValueLayout.JAVA_FLOAT_UNALIGNED, at, (float) value);
            case F64 -> segment.set(ValueLayout.JAVA_DOUBLE_UNALIGNED, at, value);
            case F16 -> segment.set(ValueLayout.JAVA_SHORT_UNALIGNED, at, Float.floatToFloat16((float) value));
            // Truncated: any bf16 value will do.
            case BF16 -> segment.set(ValueLayout.JAVA_SHORT_UNALIGNED, at,
                    (short) (Float.floatToRawIntBits((float) value) >>> 16));
            case I32 -> segment.set(ValueLayout.JAVA_INT_UNALIGNED, at, (int) (value * 1e9));
            case I64 -> segment.set(ValueLayout.JAVA_LONG_UNALIGNED, at, (long) (value * 1e18));
        }
    }

    /** The table's row: sizes, and what departs from row-major F32. */
    static final class Builder {

        private final long m;
        private final long n;
        private final long k;
        private ElementType aType = ElementType.F32;
        private ElementType bType = ElementType.F32;
        private ElementType type = ElementType.F32;
        private Order aOrder = Order.ROWS;
        private Order bOrder = Order.ROWS;
        private Order cOrder = Order.ROWS;
        private boolean aBroadcast;
        private boolean bBroadcast;
        private boolean accumulate;
        private long[] extents = {};

        private Builder(long m, long n, long k) {
            this.m = m;
            this.n = n;
            this.k = k;
        }

        Builder types(ElementType a, ElementType b, ElementType c) {
            aType = a;
            bType = b;
            type = c;
            return this;
        }

        Builder orders(Order a, Order b, Order c) {
            aOrder = a;
            bOrder = b;
            cOrder = c;
            return this;
        }

        Builder accumulate() {
            accumulate = true;
            return this;
        }

        Builder batch(boolean aBroadcast, boolean bBroadcast, long... extents) {
            this.aBroadcast = aBroadcast;
            this.bBroadcast = bBroadcast;
            this.extents = extents;
            return this;
        }

        GemmCase in(Arena arena) {
            return new GemmCase(this, arena);
        }

        @Override
        public String toString() {
            return "%s%s x %s -> %s, m %d n %d k %d, %s %s %s%s".formatted(
                    extents.length == 0 ? "" : "batch " + Arrays.toString(extents) + (aBroadcast ? " a" : "")
                            + (bBroadcast ? " b" : "") + " broadcast ",
                    aType, bType, type, m, n, k, aOrder, bOrder, cOrder, accumulate ? ", accumulated" : "");
        }
    }
}
