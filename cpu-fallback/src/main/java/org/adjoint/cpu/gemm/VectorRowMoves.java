package org.adjoint.cpu.gemm;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.nio.ByteOrder;
import java.util.Arrays;
import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.Vector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/**
 * A template, never used under its own name: {@link PanelKernels} defines its class file again as a hidden class for
 * each element type and vector width, so that the species is a constant to the JIT and profiles are not shared. The
 * class data is {@code {bits, 0 for float or 1 for double}}.
 */
final class VectorRowMoves implements RowMoves {

    private static final int[] CLASS_DATA = classData();
    private static final boolean DOUBLES = CLASS_DATA[1] == 1;
    private static final VectorSpecies<Object> SPECIES = species();
    private static final int LANES = SPECIES.length();
    private static final int BYTES = SPECIES.elementSize() / Byte.SIZE;
    private static final ByteOrder ORDER = ByteOrder.nativeOrder();

    private static final VectorSpecies<Integer> INTS =
            IntVector.SPECIES_64.withShape(VectorShape.forBitSize(CLASS_DATA[0]));
    private static final VectorSpecies<Short> SHORTS =
            ShortVector.SPECIES_64.withShape(VectorShape.forBitSize(Math.max(64, CLASS_DATA[0] / 2)));

    // Lane l exchanged with lane l ^ distance, and the lanes with that bit set and clear.
    private static final VectorShuffle<Object> SWAP_1 = swap(1);
    private static final VectorShuffle<Object> SWAP_2 = swap(2);
    private static final VectorShuffle<Object> SWAP_4 = swap(4);
    private static final VectorShuffle<Object> SWAP_8 = swap(8);
    private static final VectorMask<Object> ODD_1 = odd(1);
    private static final VectorMask<Object> ODD_2 = odd(2);
    private static final VectorMask<Object> ODD_4 = odd(4);
    private static final VectorMask<Object> ODD_8 = odd(8);
    private static final VectorMask<Object> EVEN_1 = ODD_1.not();
    private static final VectorMask<Object> EVEN_2 = ODD_2.not();
    private static final VectorMask<Object> EVEN_4 = ODD_4.not();
    private static final VectorMask<Object> EVEN_8 = ODD_8.not();

    private static int[] classData() {
        try {
            return MethodHandles.classData(MethodHandles.lookup(), "_", int[].class);
        } catch (IllegalAccessException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    /** One source for both element types: Object stands for Float or Double, which no cast at run time sees. */
    @SuppressWarnings("unchecked")
    private static VectorSpecies<Object> species() {
        Class<?> element = DOUBLES ? double.class : float.class;
        return (VectorSpecies<Object>) VectorSpecies.of(element, VectorShape.forBitSize(CLASS_DATA[0]));
    }

    private static VectorShuffle<Object> swap(int distance) {
        return VectorShuffle.fromOp(SPECIES, lane -> (lane ^ distance) & (LANES - 1));
    }

    private static VectorMask<Object> odd(int distance) {
        long bits = 0;
        for (int lane = 0; lane < LANES; lane++) {
            bits |= (lane & distance) != 0 ? 1L << lane : 0;
        }
        return VectorMask.fromLong(SPECIES, bits);
    }

    @Override
    public void load(ElementType type, MemorySegment source, long offset, long rowBytes, int rows, int columns,
            Object target, int targetOffset, int targetStride, short[] halves) {
        switch (type) {
            case F32, F64 -> load(source, offset, rowBytes, rows, columns, target, targetOffset, targetStride);
            case BF16 ->
                    widen(source, offset, rowBytes, rows, columns, (float[]) target, targetOffset, targetStride);
            case F16 -> {
                float[] floats = (float[]) target;
                int padded = (columns + LANES - 1) / LANES * LANES;
                for (int row = 0; row < rows; row++) {
                    int start = targetOffset + row * targetStride;
                    HalfPrecision.widen(source, offset + row * rowBytes, columns, floats, start, halves);
                    Arrays.fill(floats, start + columns, start + padded, 0);
                }
            }
            case I32, I64 -> throw new AssertionError(type);
        }
    }

    private static void load(MemorySegment source, long offset, long rowBytes, int rows, int columns,
            Object target, int targetOffset, int targetStride) {
        int whole = columns & -LANES;
        for (int row = 0; row < rows; row++) {
            long from = offset + row * rowBytes;
            int to = targetOffset + row * targetStride;
            for (int column = 0; column < whole; column += LANES) {
                store(SPECIES.fromMemorySegment(source, from + (long) column * BYTES, ORDER), target, to + column);
            }
        }
        if (whole < columns) {
            VectorMask<Object> tail = SPECIES.indexInRange(whole, columns);
            for (int row = 0; row < rows; row++) {
                store(load(source, offset + row * rowBytes + (long) whole * BYTES, tail), target,
                        targetOffset + row * targetStride + whole);
            }
        }
    }

    @Override
    public void loadPanels(MemorySegment source, long offset, long rowBytes, int rows, int columns,
            Object target, int targetOffset, int panelStride) {
        int panels = columns / (2 * LANES);
        for (int row = 0; row < rows; row++) {
            long from = offset + row * rowBytes;
            int to = targetOffset + row * 2 * LANES;
            for (int panel = 0; panel < panels; panel++) {
                Vector<Object> x0 = SPECIES.fromMemorySegment(source, from, ORDER);
                Vector<Object> x1 = SPECIES.fromMemorySegment(source, from + LANES * BYTES, ORDER);
                store(x0, target, to);
                store(x1, target, to + LANES);
                from += 2 * LANES * BYTES;
                to += panelStride;
            }
        }
        int done = panels * 2 * LANES;
        if (done < columns) {
            int width = (columns - done + LANES - 1) / LANES * LANES;
            load(source, offset + (long) done * BYTES, rowBytes, rows, columns - done, target,
                    targetOffset + panels * panelStride, width);
        }
    }

    @Override
    public void loadLines(MemorySegment source, long offset, long rowBytes, int rows, int columns, Object target,
            int targetOffset, int targetStride) {
        int whole = columns & -LANES;
        VectorMask<Object> tail = SPECIES.indexInRange(whole, columns);
        // Whole vectors that are masked later cost less than masked loads, but must not reach beyond the segment.
        long last = source.byteSize() - LANES * BYTES;
        if (whole == 0 && offset + Math.max(0, (rows - 1) * rowBytes) <= last) {
            loadShortLines(source, offset, rowBytes, rows, target, targetOffset, targetStride, tail);
            return;
        }
        for (int row = 0; row < rows; row++) {
            long from = offset + row * rowBytes;
            int to = targetOffset + row * targetStride;
            for (int column = 0; column < whole; column += LANES) {
                store(SPECIES.fromMemorySegment(source, from + (long) column * BYTES, ORDER), target, to + column);
            }
            if (whole < columns) {
                long at = from + (long) whole * BYTES;
                Vector<Object> end = at > last ? load(source, at, tail)
                    : SPECIES.zero().blend(SPECIES.fromMemorySegment(source, at, ORDER), tail);
                store(end, target, to + whole);
            }
        }
    }

    private static void loadShortLines(MemorySegment source, long offset, long rowBytes, int rows, Object target,
            int targetOffset, int targetStride, VectorMask<Object> mask) {
        for (int row = 0; row < rows; row++) {
            Vector<Object> line = SPECIES.fromMemorySegment(source, offset + row * rowBytes, ORDER);
            store(SPECIES.zero().blend(line, mask), target, targetOffset + row * targetStride);
        }
    }

    /** Whole vectors: what one spoils behind its line, the next puts right. */
    @Override
    public void joinLines(Object source, int sourceOffset, int sourceStride, int rows, int columns, Object target) {
        if (columns <= LANES) {
            for (int row = 0; row < rows; row++) {
                store(SPECIES.fromArray(source, sourceOffset + row * sourceStride), target, row * columns);
            }
            return;
        }
        for (int row = 0; row < rows; row++) {
            int from = sourceOffset + row * sourceStride;
            int to = row * columns;
            for (int column = 0; column < columns; column += LANES) {
                store(SPECIES.fromArray(source, from + column), target, to + column);
            }
        }
    }

    private static void widen(MemorySegment source, long offset, long rowBytes, int rows, int columns,
            float[] target, int targetOffset, int targetStride) {
        int whole = columns & -LANES;
        for (int row = 0; row < rows; row++) {
            long from = offset + row * rowBytes;
            int to = targetOffset + row * targetStride;
            for (int column = 0; column < whole; column += LANES) {
                widen(ShortVector.fromMemorySegment(SHORTS, source, from + 2L * column, ORDER))
                        .intoArray(target, to + column);
            }
        }
        if (whole < columns) {
            VectorMask<Short> tail = SHORTS.indexInRange(whole, columns);
            for (int row = 0; row < rows; row++) {
                widen(ShortVector.fromMemorySegment(SHORTS, source, offset + row * rowBytes + 2L * whole, ORDER, tail))
                        .intoArray(target, targetOffset + row * targetStride + whole);
            }
        }
    }

    private static FloatVector widen(ShortVector bits) {
        return ((IntVector) bits.convertShape(VectorOperators.ZERO_EXTEND_S2I, INTS, 0))
                .lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
    }

    @Override
    public void store(Object source, int sourceOffset, int sourceStride, MemorySegment target, long offset,
            long rowBytes, int rows, int columns, boolean add) {
        if (columns == 2 * LANES) {
            if (add) {
                addPairs(source, sourceOffset, sourceStride, target, offset, rowBytes, rows);
            } else {
                storePairs(source, sourceOffset, sourceStride, target, offset, rowBytes, rows);
            }
            return;
        }
        int whole = columns & -LANES;
        for (int row = 0; row < rows; row++) {
            int from = sourceOffset + row * sourceStride;
            for (int column = 0; column < whole; column += LANES) {
                long at = offset + row * rowBytes + (long) column * BYTES;
                Vector<Object> value = SPECIES.fromArray(source, from + column);
                if (add) {
                    value = SPECIES.fromMemorySegment(target, at, ORDER).add(value);
                }
                value.intoMemorySegment(target, at, ORDER);
            }
        }
        if (whole < columns) {
            VectorMask<Object> tail = SPECIES.indexInRange(whole, columns);
            for (int row = 0; row < rows; row++) {
                long at = offset + row * rowBytes + (long) whole * BYTES;
                Vector<Object> value = SPECIES.fromArray(source, sourceOffset + row * sourceStride + whole);
                if (add) {
                    value = load(target, at, tail).add(value);
                }
                value.intoMemorySegment(target, at, ORDER, tail);
            }
        }
    }

    /** Rows of two vectors, a whole tile: the loop over columns unrolled. */
    private static void storePairs(Object source, int from, int sourceStride, MemorySegment target, long offset,
            long rowBytes, int rows) {
        for (int row = 0; row < rows; row++) {
            SPECIES.fromArray(source, from).intoMemorySegment(target, offset, ORDER);
            SPECIES.fromArray(source, from + LANES).intoMemorySegment(target, offset + LANES * BYTES, ORDER);
            from += sourceStride;
            offset += rowBytes;
        }
    }

    private static void addPairs(Object source, int from, int sourceStride, MemorySegment target, long offset,
            long rowBytes, int rows) {
        for (int row = 0; row < rows; row++) {
            long second = offset + LANES * BYTES;
            SPECIES.fromMemorySegment(target, offset, ORDER).add(SPECIES.fromArray(source, from))
                    .intoMemorySegment(target, offset, ORDER);
            SPECIES.fromMemorySegment(target, second, ORDER).add(SPECIES.fromArray(source, from + LANES))
                    .intoMemorySegment(target, second, ORDER);
            from += sourceStride;
            offset += rowBytes;
        }
    }

    @Override
    public void store(Object source, int sourceOffset, int sourceStride, Object target, int targetOffset,
            int targetStride, int rows, int columns, boolean add) {
        if (columns == 2 * LANES) {
            if (add) {
                addPairs(source, sourceOffset, sourceStride, target, targetOffset, targetStride, rows);
            } else {
                storePairs(source, sourceOffset, sourceStride, target, targetOffset, targetStride, rows);
            }
            return;
        }
        int whole = columns & -LANES;
        for (int row = 0; row < rows; row++) {
            int from = sourceOffset + row * sourceStride;
            int to = targetOffset + row * targetStride;
            for (int column = 0; column < whole; column += LANES) {
                Vector<Object> value = SPECIES.fromArray(source, from + column);
                if (add) {
                    value = SPECIES.fromArray(target, to + column).add(value);
                }
                store(value, target, to + column);
            }
        }
        if (whole < columns) {
            VectorMask<Object> tail = SPECIES.indexInRange(whole, columns);
            for (int row = 0; row < rows; row++) {
                int to = targetOffset + row * targetStride + whole;
                Vector<Object> value = SPECIES.fromArray(source, sourceOffset + row * sourceStride + whole);
                if (add) {
                    value = load(target, to, tail).add(value);
                }
                store(value, target, to, tail);
            }
        }
    }

    private static void storePairs(Object source, int from, int sourceStride, Object target, int to,
            int targetStride, int rows) {
        for (int row = 0; row < rows; row++) {
            store(SPECIES.fromArray(source, from), target, to);
            store(SPECIES.fromArray(source, from + LANES), target, to + LANES);
            from += sourceStride;
            to += targetStride;
        }
    }

    private static void addPairs(Object source, int from, int sourceStride, Object target, int to,
            int targetStride, int rows) {
        for (int row = 0; row < rows; row++) {
            store(SPECIES.fromArray(target, to).add(SPECIES.fromArray(source, from)), target, to);
            store(SPECIES.fromArray(target, to + LANES).add(SPECIES.fromArray(source, from + LANES)), target,
                    to + LANES);
            from += sourceStride;
            to += targetStride;
        }
    }

    @Override
    public void narrow(ElementType type, float[] source, int sourceOffset, MemorySegment target, long offset,
            int columns, short[] halves) {
        if (type == ElementType.F16) {
            HalfPrecision.narrow(source, sourceOffset, columns, target, offset, halves);
            return;
        }
        int whole = columns & -LANES;
        for (int column = 0; column < whole; column += LANES) {
            narrow(source, sourceOffset + column).intoMemorySegment(target, offset + 2L * column, ORDER);
        }
        if (whole < columns) {
            narrow(source, sourceOffset + whole).intoMemorySegment(target, offset + 2L * whole, ORDER,
                    SHORTS.indexInRange(whole, columns));
        }
    }

    private static ShortVector narrow(float[] source, int index) {
        FloatVector value = (FloatVector) (Vector<?>) SPECIES.fromArray(source, index);
        IntVector bits = value.reinterpretAsInts();
        IntVector upper = bits.lanewise(VectorOperators.LSHR, 16);
        IntVector rounded = bits.add(upper.and(1).add(0x7fff)).lanewise(VectorOperators.LSHR, 16);
        VectorMask<Integer> nan = value.test(VectorOperators.IS_NAN).cast(INTS);
        return (ShortVector) rounded.blend(upper.or(0x40), nan).convertShape(VectorOperators.I2S, SHORTS, 0);
    }

    /** Blocks of lanes x lanes, each in one or two passes through vectors: see {@link #exchange}. */
    @Override
    public void transpose(Object source, int sourceOffset, int sourceStride, int rows, int columns,
            Object target, int targetOffset, int targetStride, Object block, int blockOffset) {
        for (int row = 0; row < rows; row += LANES) {
            for (int column = 0; column < columns; column += LANES) {
                int from = sourceOffset + row * sourceStride + column;
                int to = targetOffset + column * targetStride + row;
                int limit = Math.min(LANES, columns - column);
                switch (LANES) {
                    case 2 -> pairs(source, from, sourceStride, target, to, targetStride, limit);
                    case 4 -> nearQuads(source, from, sourceStride, target, to, targetStride, limit);
                    case 8 -> {
                        nearQuads(source, from, sourceStride, block, blockOffset, LANES, LANES);
                        farPairs(block, blockOffset, target, to, targetStride, limit);
                    }
                    case 16 -> {
                        nearQuads(source, from, sourceStride, block, blockOffset, LANES, LANES);
                        farQuads(block, blockOffset, target, to, targetStride, limit);
                    }
                    default -> throw new AssertionError(LANES);
                }
            }
        }
    }

    private static void pairs(Object source, int from, int sourceStride, Object target, int to, int targetStride,
            int limit) {
        Vector<Object> x0 = SPECIES.fromArray(source, from);
        Vector<Object> x1 = SPECIES.fromArray(source, from + sourceStride);
        storeBelow(exchange(x0, x1, SWAP_1, ODD_1), target, to, 0, limit, targetStride);
        storeBelow(exchange(x1, x0, SWAP_1, EVEN_1), target, to, 1, limit, targetStride);
    }

    /** Transposes the 4 x 4 sub-blocks: the steps of distance 1 and 2. */
    private static void nearQuads(Object source, int from, int sourceStride, Object target, int to,
            int targetStride, int limit) {
        for (int row = 0; row < LANES; row += 4) {
            int at = from + row * sourceStride;
            Vector<Object> x0 = SPECIES.fromArray(source, at);
            Vector<Object> x1 = SPECIES.fromArray(source, at + sourceStride);
            Vector<Object> x2 = SPECIES.fromArray(source, at + 2 * sourceStride);
            Vector<Object> x3 = SPECIES.fromArray(source, at + 3 * sourceStride);
            Vector<Object> y0 = exchange(x0, x1, SWAP_1, ODD_1);
            Vector<Object> y1 = exchange(x1, x0, SWAP_1, EVEN_1);
            Vector<Object> y2 = exchange(x2, x3, SWAP_1, ODD_1);
            Vector<Object> y3 = exchange(x3, x2, SWAP_1, EVEN_1);
            storeBelow(exchange(y0, y2, SWAP_2, ODD_2), target, to, row, limit, targetStride);
            storeBelow(exchange(y1, y3, SWAP_2, ODD_2), target, to, row + 1, limit, targetStride);
            storeBelow(exchange(y2, y0, SWAP_2, EVEN_2), target, to, row + 2, limit, targetStride);
            storeBelow(exchange(y3, y1, SWAP_2, EVEN_2), target, to, row + 3, limit, targetStride);
        }
    }

    /** The step of distance 4, for 8 lanes. */
    private static void farPairs(Object block, int from, Object target, int to, int targetStride, int limit) {
        for (int row = 0; row < 4; row++) {
            Vector<Object> x0 = SPECIES.fromArray(block, from + row * LANES);
            Vector<Object> x1 = SPECIES.fromArray(block, from + (row + 4) * LANES);
            storeBelow(exchange(x0, x1, SWAP_4, ODD_4), target, to, row, limit, targetStride);
            storeBelow(exchange(x1, x0, SWAP_4, EVEN_4), target, to, row + 4, limit, targetStride);
        }
    }

    /** The steps of distance 4 and 8, for 16 lanes. */
    private static void farQuads(Object block, int from, Object target, int to, int targetStride, int limit) {
        for (int row = 0; row < 4; row++) {
            Vector<Object> x0 = SPECIES.fromArray(block, from + row * LANES);
            Vector<Object> x1 = SPECIES.fromArray(block, from + (row + 4) * LANES);
            Vector<Object> x2 = SPECIES.fromArray(block, from + (row + 8) * LANES);
            Vector<Object> x3 = SPECIES.fromArray(block, from + (row + 12) * LANES);
            Vector<Object> y0 = exchange(x0, x1, SWAP_4, ODD_4);
            Vector<Object> y1 = exchange(x1, x0, SWAP_4, EVEN_4);
            Vector<Object> y2 = exchange(x2, x3, SWAP_4, ODD_4);
            Vector<Object> y3 = exchange(x3, x2, SWAP_4, EVEN_4);
            storeBelow(exchange(y0, y2, SWAP_8, ODD_8), target, to, row, limit, targetStride);
            storeBelow(exchange(y1, y3, SWAP_8, ODD_8), target, to, row + 4, limit, targetStride);
            storeBelow(exchange(y2, y0, SWAP_8, EVEN_8), target, to, row + 8, limit, targetStride);
            storeBelow(exchange(y3, y1, SWAP_8, EVEN_8), target, to, row + 12, limit, targetStride);
        }
    }

    /**
     * One half of a step of a transposition: rows r and r + distance exchange the off-diagonal elements of their
     * 2 x 2 blocks. Keeps {@code kept}, and takes from the other row, moved by the distance, where the mask is set.
     */
    private static Vector<Object> exchange(Vector<Object> kept, Vector<Object> other, VectorShuffle<Object> swap,
            VectorMask<Object> mask) {
        return kept.blend(other.rearrange(swap), mask);
    }

    private static void storeBelow(Vector<Object> value, Object target, int to, int row, int limit, int stride) {
        if (row < limit) {
            store(value, target, to + row * stride);
        }
    }

    @Override
    public void multiplyRow(int depth, Object a, int aOffset, MemorySegment b, long offset, long rowBytes,
            int columns, Object sum) {
        int whole = columns & -LANES;
        for (int column = 0; column < whole; column += LANES) {
            store(SPECIES.zero(), sum, column);
        }
        if (whole < columns) {
            store(SPECIES.zero(), sum, whole);
        }
        int step = 0;
        for (; step + 4 <= depth; step += 4) {
            multiplyFour(a, aOffset + step, b, offset + step * rowBytes, rowBytes, columns, sum);
        }
        for (; step < depth; step++) {
            multiplyOne(a, aOffset + step, b, offset + step * rowBytes, columns, sum);
        }
    }

    private static void multiplyFour(Object a, int at, MemorySegment b, long row0, long rowBytes, int columns,
            Object sum) {
        Vector<Object> a0 = broadcast(a, at);
        Vector<Object> a1 = broadcast(a, at + 1);
        Vector<Object> a2 = broadcast(a, at + 2);
        Vector<Object> a3 = broadcast(a, at + 3);
        long row1 = row0 + rowBytes;
        long row2 = row1 + rowBytes;
        long row3 = row2 + rowBytes;
        int whole = columns & -LANES;
        for (int column = 0; column < whole; column += LANES) {
            long byteOffset = (long) column * BYTES;
            Vector<Object> value = SPECIES.fromArray(sum, column);
            value = fma(a0, SPECIES.fromMemorySegment(b, row0 + byteOffset, ORDER), value);
            value = fma(a1, SPECIES.fromMemorySegment(b, row1 + byteOffset, ORDER), value);
            value = fma(a2, SPECIES.fromMemorySegment(b, row2 + byteOffset, ORDER), value);
            value = fma(a3, SPECIES.fromMemorySegment(b, row3 + byteOffset, ORDER), value);
            store(value, sum, column);
        }
        if (whole < columns) {
            VectorMask<Object> tail = SPECIES.indexInRange(whole, columns);
            long byteOffset = (long) whole * BYTES;
            Vector<Object> value = SPECIES.fromArray(sum, whole);
            value = fma(a0, load(b, row0 + byteOffset, tail), value);
            value = fma(a1, load(b, row1 + byteOffset, tail), value);
            value = fma(a2, load(b, row2 + byteOffset, tail), value);
            value = fma(a3, load(b, row3 + byteOffset, tail), value);
            store(value, sum, whole);
        }
    }

    private static void multiplyOne(Object a, int at, MemorySegment b, long row, int columns, Object sum) {
        Vector<Object> factor = broadcast(a, at);
        int whole = columns & -LANES;
        for (int column = 0; column < whole; column += LANES) {
            Vector<Object> value = SPECIES.fromArray(sum, column);
            store(fma(factor, SPECIES.fromMemorySegment(b, row + (long) column * BYTES, ORDER), value), sum, column);
        }
        if (whole < columns) {
            VectorMask<Object> tail = SPECIES.indexInRange(whole, columns);
            Vector<Object> value = SPECIES.fromArray(sum, whole);
            store(fma(factor, load(b, row + (long) whole * BYTES, tail), value),
                    sum, whole);
        }
    }

    /** A loop for each column of vectors, not for each row: of a loop in a loop, C2 would keep the sums in memory. */
    @Override
    public void dots(int rows, int columns, Object a, Object b, int[] starts, int bStride, Object sums) {
        int virtual = PanelKernels.VIRTUAL_BYTES / BYTES;
        for (int at = 0; at < PanelKernels.DOTS * virtual; at += LANES) {
            store(SPECIES.zero(), sums, at);
        }
        int whole = columns & -LANES;
        int done = 0;
        if (rows == 1) {
            done = columns & -virtual;
            for (int part = 0; part < virtual; part += LANES) {
                addDots(columns / virtual, a, part, virtual, b, starts, part, virtual, sums, part);
            }
        }
        for (int column = done; column < whole; column += LANES) {
            addDots(rows, a, column, columns, b, starts, column, bStride, sums, column % virtual);
        }
        if (whole < columns) {
            addDots(rows, a, columns, b, starts, bStride, sums, whole, SPECIES.indexInRange(whole, columns));
        }
    }

    /** A chain for each dot product hides the latency of multiply-adds only while there are several: DOTS = 4. */
    private static void addDots(int count, Object a, int aAt, int aStep, Object b, int[] starts, int bAt, int bStep,
            Object sums, int part) {
        int virtual = PanelKernels.VIRTUAL_BYTES / BYTES;
        int b0 = starts[0] + bAt;
        int b1 = starts[1] + bAt;
        int b2 = starts[2] + bAt;
        int b3 = starts[3] + bAt;
        Vector<Object> s0 = SPECIES.fromArray(sums, part);
        Vector<Object> s1 = SPECIES.fromArray(sums, virtual + part);
        Vector<Object> s2 = SPECIES.fromArray(sums, 2 * virtual + part);
        Vector<Object> s3 = SPECIES.fromArray(sums, 3 * virtual + part);
        for (int i = 0; i < count; i++) {
            Vector<Object> x = SPECIES.fromArray(a, aAt + i * aStep);
            s0 = fma(x, SPECIES.fromArray(b, b0 + i * bStep), s0);
            s1 = fma(x, SPECIES.fromArray(b, b1 + i * bStep), s1);
            s2 = fma(x, SPECIES.fromArray(b, b2 + i * bStep), s2);
            s3 = fma(x, SPECIES.fromArray(b, b3 + i * bStep), s3);
        }
        store(s0, sums, part);
        store(s1, sums, virtual + part);
        store(s2, sums, 2 * virtual + part);
        store(s3, sums, 3 * virtual + part);
    }

    /** Of the columns from {@code column} on, less than a vector. */
    private static void addDots(int rows, Object a, int columns, Object b, int[] starts, int bStride, Object sums,
            int column, VectorMask<Object> mask) {
        int virtual = PanelKernels.VIRTUAL_BYTES / BYTES;
        int part = column % virtual;
        int b0 = starts[0] + column;
        int b1 = starts[1] + column;
        int b2 = starts[2] + column;
        int b3 = starts[3] + column;
        Vector<Object> s0 = SPECIES.fromArray(sums, part);
        Vector<Object> s1 = SPECIES.fromArray(sums, virtual + part);
        Vector<Object> s2 = SPECIES.fromArray(sums, 2 * virtual + part);
        Vector<Object> s3 = SPECIES.fromArray(sums, 3 * virtual + part);
        for (int row = 0; row < rows; row++) {
            Vector<Object> x = load(a, column + row * columns, mask);
            s0 = fma(x, load(b, b0 + row * bStride, mask), s0);
            s1 = fma(x, load(b, b1 + row * bStride, mask), s1);
            s2 = fma(x, load(b, b2 + row * bStride, mask), s2);
            s3 = fma(x, load(b, b3 + row * bStride, mask), s3);
        }
        store(s0, sums, part);
        store(s1, sums, virtual + part);
        store(s2, sums, 2 * virtual + part);
        store(s3, sums, 3 * virtual + part);
    }

    // Below: what Vector does not offer over both element types. DOUBLES is a constant, so one branch remains.

    @SuppressWarnings("unchecked")
    private static Vector<Object> broadcast(Object array, int index) {
        return (Vector<Object>) (Vector<?>) (DOUBLES
                ? DoubleVector.broadcast(cast(), ((double[]) array)[index])
                : FloatVector.broadcast(cast(), ((float[]) array)[index]));
    }

    @SuppressWarnings("unchecked")
    private static <E> VectorSpecies<E> cast() {
        return (VectorSpecies<E>) (VectorSpecies<?>) SPECIES;
    }

    @SuppressWarnings("unchecked")
    private static Vector<Object> fma(Vector<Object> a, Vector<Object> b, Vector<Object> c) {
        return (Vector<Object>) (Vector<?>) (DOUBLES
                ? ((DoubleVector) (Vector<?>) a).fma((DoubleVector) (Vector<?>) b, (DoubleVector) (Vector<?>) c)
                : ((FloatVector) (Vector<?>) a).fma((FloatVector) (Vector<?>) b, (FloatVector) (Vector<?>) c));
    }

    @SuppressWarnings("unchecked")
    private static Vector<Object> load(MemorySegment segment, long offset, VectorMask<Object> mask) {
        VectorMask<?> lanes = mask;
        return (Vector<Object>) (Vector<?>) (DOUBLES
                ? DoubleVector.fromMemorySegment(cast(), segment, offset, ORDER, (VectorMask<Double>) lanes)
                : FloatVector.fromMemorySegment(cast(), segment, offset, ORDER, (VectorMask<Float>) lanes));
    }

    @SuppressWarnings("unchecked")
    private static Vector<Object> load(Object array, int index, VectorMask<Object> mask) {
        VectorMask<?> lanes = mask;
        return (Vector<Object>) (Vector<?>) (DOUBLES
                ? DoubleVector.fromArray(cast(), (double[]) array, index, (VectorMask<Double>) lanes)
                : FloatVector.fromArray(cast(), (float[]) array, index, (VectorMask<Float>) lanes));
    }

    private static void store(Vector<Object> value, Object array, int index) {
        if (DOUBLES) {
            ((DoubleVector) (Vector<?>) value).intoArray((double[]) array, index);
        } else {
            ((FloatVector) (Vector<?>) value).intoArray((float[]) array, index);
        }
    }

    @SuppressWarnings("unchecked")
    private static void store(Vector<Object> value, Object array, int index, VectorMask<Object> mask) {
        VectorMask<?> lanes = mask;
        if (DOUBLES) {
            ((DoubleVector) (Vector<?>) value).intoArray((double[]) array, index, (VectorMask<Double>) lanes);
        } else {
            ((FloatVector) (Vector<?>) value).intoArray((float[]) array, index, (VectorMask<Float>) lanes);
        }
    }
}
