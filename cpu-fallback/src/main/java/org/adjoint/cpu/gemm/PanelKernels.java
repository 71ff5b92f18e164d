package org.adjoint.cpu.gemm;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandles;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The parts a matrix product is made of, for one vector width and one arithmetic type (F32 or F64), over
 * {@code float[]} or {@code double[]} scratch. {@link Gemm} is built on them; a kernel that fuses products with other
 * work (attention) takes them directly.
 *
 * <p>Three layouts in scratch:
 * <ul>
 * <li><b>rows</b>, the left operand: row i at {@code offset + i * rowStride()}, contiguous in the depth, at most
 *     {@link #maxDepth()} deep. A row-major result with that stride is a left operand as it stands.
 * <li><b>panels</b>, the right operand: {@link #panelColumns()} columns each, at {@code offset + panel *
 *     panelStride}; in a panel, step p of the depth at {@code p * width}, where width is panelColumns(), or in the
 *     last panel {@link #paddedWidth}.
 * <li><b>plain</b>, the result: row-major with any stride.
 * </ul>
 *
 * <p>An element of the result is a chain of fma in increasing depth, started from 0: the same bits at every width.
 */
public final class PanelKernels {

    private static final Map<String, PanelKernels> INSTANCES = new ConcurrentHashMap<>();
    private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;
    private static final ValueLayout.OfDouble DOUBLE = ValueLayout.JAVA_DOUBLE_UNALIGNED;
    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED;

    // Deep enough that storing a tile is small beside summing it, shallow enough that 14 rows stay in a 32 KiB L1
    // cache. They are part of the definition of a product (blocks are summed one by one): the same on every machine.
    private static final int MAX_DEPTH_F32 = 384;
    private static final int MAX_DEPTH_F64 = 256;

    /** How many dot products {@link #dots} computes. */
    public static final int DOTS = 4;
    /** The virtual vector whose lanes a dot product keeps apart, whatever the width of the machine's. */
    static final int VIRTUAL_BYTES = 64;

    /** Enough chains of multiply-adds to hide their latency. */
    private static final int MOST_VECTORS = 8;

    private final boolean doubles;
    private final int lanes;
    private final int tileRows;
    private final int tileVectors;
    private final int maxDepth;
    private final int rowStride;
    private final RowMoves moves;
    private final TileKernel[][] tiles;
    private final TileKernel[][] scatteredTiles;
    private final int registers;

    private PanelKernels(int bits, boolean doubles) {
        this.doubles = doubles;
        this.lanes = bits == 0 ? 1 : bits / (doubles ? Double.SIZE : Float.SIZE);
        // Accumulators, one column vector each and a factor fill the register file: 32 registers with AVX-512 and
        // on AArch64, else 16.
        boolean manyRegisters = bits == 512 || bits > 0 && System.getProperty("os.arch").equals("aarch64");
        this.tileRows = bits == 0 ? 3 : manyRegisters ? 14 : 6;
        this.tileVectors = bits == 0 ? 4 : 2;
        this.maxDepth = doubles ? MAX_DEPTH_F64 : MAX_DEPTH_F32;
        // One cache line more than the depth, lest the rows of a tile share the same sets of the cache.
        this.rowStride = maxDepth + (doubles ? 8 : 16);
        this.moves = bits == 0 ? new ScalarRowMoves() : vectorMoves(bits, doubles);
        this.tiles = new TileKernel[tileRows + 1][tileVectors + 1];
        this.scatteredTiles = new TileKernel[tileRows + 1][MOST_VECTORS + 1];
        this.registers = manyRegisters ? 32 : 16;
    }

    /**
     * The kernels of a width.
     *
     * @param vectorBits 128, 256 or 512, or 0 for scalar code, which needs no incubator module
     * @param arithmetic F32 or F64
     */
    public static PanelKernels of(int vectorBits, ElementType arithmetic) {
        if (vectorBits != 0 && vectorBits != 128 && vectorBits != 256 && vectorBits != 512) {
            throw new IllegalArgumentException("vectors have 128, 256 or 512 bits, or 0 for scalar code, not "
                    + vectorBits);
        }
        if (arithmetic != ElementType.F32 && arithmetic != ElementType.F64) {
            throw new IllegalArgumentException("panel kernels compute in F32 or F64, not in " + arithmetic);
        }
        return INSTANCES.computeIfAbsent(vectorBits + " " + arithmetic,
                key -> new PanelKernels(vectorBits, arithmetic == ElementType.F64));
    }

    private static RowMoves vectorMoves(int bits, boolean doubles) {
        String resource = "VectorRowMoves.class";
        try (InputStream in = PanelKernels.class.getResourceAsStream(resource)) {
            if (in == null) {
                throw new IllegalStateException(resource + " is missing beside " + PanelKernels.class);
            }
            return (RowMoves) MethodHandles.lookup()
                    .defineHiddenClassWithClassData(in.readAllBytes(), new int[] {bits, doubles ? 1 : 0}, true)
                    .lookupClass().getDeclaredConstructor().newInstance();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("the vector kernels of " + bits + " bits can't be instantiated", e);
        }
    }

    /** Lanes per vector; 1 in scalar code. */
    public int lanes() {
        return lanes;
    }

    /** Rows of the largest tile; a multiple of it wastes least. */
    public int tileRows() {
        return tileRows;
    }

    /** Columns of a whole panel. */
    public int panelColumns() {
        return tileVectors * lanes;
    }

    /** The deepest product that one chain sums. */
    public int maxDepth() {
        return maxDepth;
    }

    /** Elements from one row of a left operand to the next. */
    public int rowStride() {
        return rowStride;
    }

    /** Elements of scratch for a tile: {@link #multiply}'s last argument. */
    public int tileSize() {
        return tileRows * panelColumns();
    }

    /** Elements of scratch for {@link #packRows} and {@link #packPanel}. */
    public int stagingSize() {
        return lanes * rowStride + lanes * lanes;
    }

    /** Columns, rounded up to whole vectors: the width of a panel that holds so many. */
    public int paddedWidth(int columns) {
        return (columns + lanes - 1) / lanes * lanes;
    }

    /** A new {@code float[]} or {@code double[]}. */
    public Object array(int size) {
        return doubles ? new double[size] : new float[size];
    }

    RowMoves moves() {
        return moves;
    }

    boolean doubles() {
        return doubles;
    }

    /** Racing threads may generate the same class twice; either serves. */
    TileKernel tile(int rows, int vectors) {
        TileKernel kernel = tiles[rows][vectors];
        if (kernel == null) {
            kernel = TileGenerator.generate(rows, vectors, lanes, rowStride, doubles, false);
            tiles[rows][vectors] = kernel;
        }
        return kernel;
    }

    private TileKernel scatteredTile(int rows, int vectors) {
        TileKernel kernel = scatteredTiles[rows][vectors];
        if (kernel == null) {
            kernel = TileGenerator.generate(rows, vectors, lanes, rowStride, doubles, true);
            scatteredTiles[rows][vectors] = kernel;
        }
        return kernel;
    }

    /**
     * Columns of a panel of {@link #multiplyScattered}: the fewer rows there are, the wider.
     *
     * @param columns how many there are at least
     */
    public int scatteredColumns(int rows, int columns) {
        int height = (rows + tileRows - 1) / tileRows;
        height = (rows + height - 1) / height;
        int most = Math.clamp((columns + lanes - 1) / lanes, tileVectors, MOST_VECTORS);
        return lanes * (lanes == 1 ? tileVectors : Math.clamp((registers - 1) / (height + 1), tileVectors, most));
    }

    /**
     * Packs rows of a left operand, {@code element(i, p)} at {@code offset + (i * stride + p * depthStride) * bytes}.
     *
     * @param depth   at most {@link #maxDepth()}
     * @param staging scratch of {@link #stagingSize()}
     * @param halves  scratch of {@link #maxDepth()}, for F16
     */
    public void packRows(ElementType type, MemorySegment source, long offset, long stride, long depthStride,
            int rows, int depth, Object target, int targetOffset, Object staging, short[] halves) {
        int bytes = type.bytes();
        if (depthStride == 1 || depth == 1) {
            moves.load(type, source, offset, stride * bytes, rows, depth, target, targetOffset, rowStride, halves);
        } else if (stride == 1 || rows == 1) {
            for (int first = 0; first < rows; first += maxDepth) {
                int count = Math.min(maxDepth, rows - first);
                transpose(type, source, offset + (long) first * bytes, depthStride * bytes, depth, count,
                        target, targetOffset + first * rowStride, rowStride, staging, halves);
            }
        } else {
            gather(type, source, offset, stride * bytes, depthStride * bytes, rows, depth, target, targetOffset,
                    rowStride, 1);
        }
    }

    /**
     * Packs one panel of a right operand, {@code element(p, j)} at {@code offset + (p * depthStride + j * stride) *
     * bytes}; lanes past {@code columns} hold anything.
     *
     * @param columns at most {@link #panelColumns()}
     */
    public void packPanel(ElementType type, MemorySegment source, long offset, long depthStride, long stride,
            int depth, int columns, Object target, int targetOffset, Object staging, short[] halves) {
        int bytes = type.bytes();
        int width = paddedWidth(columns);
        if (stride == 1 || columns == 1) {
            moves.load(type, source, offset, depthStride * bytes, depth, columns, target, targetOffset, width, halves);
        } else if (depthStride == 1 || depth == 1) {
            transpose(type, source, offset, stride * bytes, columns, depth, target, targetOffset, width, staging,
                    halves);
        } else {
            gather(type, source, offset, stride * bytes, depthStride * bytes, columns, depth, target, targetOffset,
                    1, width);
        }
    }

    /**
     * Packs columns of a right operand into consecutive panels.
     *
     * @param columns     any number
     * @param panelStride elements from one panel to the next
     */
    public void packPanels(ElementType type, MemorySegment source, long offset, long depthStride, long stride,
            int depth, int columns, Object target, int targetOffset, int panelStride, Object staging,
            short[] halves) {
        int bytes = type.bytes();
        if (stride == 1 && type == type.arithmetic() && lanes > 1) {
            moves.loadPanels(source, offset, depthStride * bytes, depth, columns, target, targetOffset, panelStride);
            return;
        }
        for (int done = 0, panel = targetOffset; done < columns; done += panelColumns(), panel += panelStride) {
            packPanel(type, source, offset + done * stride * bytes, depthStride, stride, depth,
                    Math.min(panelColumns(), columns - done), target, panel, staging, halves);
        }
    }

    /**
     * Copies lines from native memory into scratch, widening 16-bit elements, one after the other: each is filled up
     * with zeros to {@link #paddedWidth}, which the next may overwrite.
     *
     * @param halves scratch of at least {@code columns} elements, for F16
     */
    public void loadLines(ElementType type, MemorySegment source, long offset, long rowBytes, int rows, int columns,
            Object target, int targetOffset, int targetStride, short[] halves) {
        if (type == type.arithmetic()) {
            moves.loadLines(source, offset, rowBytes, rows, columns, target, targetOffset, targetStride);
            return;
        }
        for (int row = 0; row < rows; row++) {
            moves.load(type, source, offset + row * rowBytes, 0, 1, columns, target,
                    targetOffset + row * targetStride, 0, halves);
        }
    }

    /**
     * Copies lines out of scratch one right behind the other.
     *
     * @param source of at least {@link #lanes()} elements more than the last line needs
     * @param target of at least {@link #lanes()} elements more than the lines have
     */
    public void joinLines(Object source, int sourceOffset, int sourceStride, int rows, int columns, Object target) {
        moves.joinLines(source, sourceOffset, sourceStride, rows, columns, target);
    }

    /** {@code target[c * targetStride + r] = source row r, column c}, through a staging block of one vector of rows. */
    private void transpose(ElementType type, MemorySegment source, long offset, long rowBytes, int rows, int columns,
            Object target, int targetOffset, int targetStride, Object staging, short[] halves) {
        for (int row = 0; row < rows; row += lanes) {
            int count = Math.min(lanes, rows - row);
            moves.load(type, source, offset + row * rowBytes, rowBytes, count, columns, staging, 0, rowStride, halves);
            moves.transpose(staging, 0, rowStride, count, columns, target, targetOffset + row, targetStride,
                    staging, lanes * rowStride);
        }
    }

    /** Neither stride is 1: element by element. */
    private void gather(ElementType type, MemorySegment source, long offset, long rowBytes, long columnBytes,
            int rows, int columns, Object target, int targetOffset, int targetRow, int targetColumn) {
        for (int row = 0; row < rows; row++) {
            for (int column = 0; column < columns; column++) {
                long at = offset + row * rowBytes + column * columnBytes;
                int to = targetOffset + row * targetRow + column * targetColumn;
                if (doubles) {
                    ((double[]) target)[to] = source.get(DOUBLE, at);
                } else {
                    ((float[]) target)[to] = read(type, source, at);
                }
            }
        }
    }

    static float read(ElementType type, MemorySegment source, long offset) {
        return switch (type) {
            case F32 -> source.get(FLOAT, offset);
            case F16 -> Float.float16ToFloat(source.get(SHORT, offset));
            case BF16 -> HalfPrecision.fromBfloat16(source.get(SHORT, offset));
            case F64, I32, I64 -> throw new AssertionError(type);
        };
    }

    static double readDouble(MemorySegment source, long offset) {
        return source.get(DOUBLE, offset);
    }

    static void writeDouble(MemorySegment target, long offset, double value) {
        target.set(DOUBLE, offset, value);
    }

    static void write(ElementType type, MemorySegment target, long offset, float value) {
        switch (type) {
            case F32 -> target.set(FLOAT, offset, value);
            case F16 -> target.set(SHORT, offset, Float.floatToFloat16(value));
            case BF16 -> target.set(SHORT, offset, HalfPrecision.toBfloat16(value));
            case F64, I32, I64 -> throw new AssertionError(type);
        }
    }

    /**
     * {@code c = a . b}, or {@code c += a . b}, all in scratch.
     *
     * @param a           rows layout
     * @param b           panels layout
     * @param panelStride elements from one panel to the next
     * @param c           row-major, {@code cStride} elements from row to row
     * @param tile        scratch of {@link #tileSize()}
     */
    public void multiply(int rows, int columns, int depth, Object a, int aOffset, Object b, int bOffset,
            int panelStride, Object c, int cOffset, int cStride, boolean add, Object tile) {
        for (int row = 0; row < rows; row += tileRows) {
            int height = Math.min(tileRows, rows - row);
            for (int column = 0, panel = bOffset; column < columns; column += panelColumns(), panel += panelStride) {
                int count = Math.min(panelColumns(), columns - column);
                int width = paddedWidth(count);
                tile(height, width / lanes).run(depth, a, aOffset + row * rowStride, b, panel, null, tile);
                moves.store(tile, 0, width, c, cOffset + row * cStride + column, cStride, height, count, add);
            }
        }
    }

    /**
     * {@code c = a . b}, or {@code c += a . b}, of panels that are read where they lie: step p of panel i begins at
     * {@code b[starts[i] + steps[p]]}, and all are whole.
     *
     * @param width   columns of a panel, no more than {@link #scatteredColumns} of so many rows or more
     * @param a       rows layout
     * @param panels  how many there are; c has so many times {@code width} columns
     * @param c       row-major without gaps, from {@code cOffset} on
     * @param tile    scratch of {@link #tileSize()}
     */
    public void multiplyScattered(int rows, int width, int panels, int depth, Object a, int aOffset, Object b,
            int[] starts, int[] steps, Object c, int cOffset, boolean add, Object tile) {
        // Rows in equal parts: a last tile of few rows would be slow.
        int tiles = (rows + tileRows - 1) / tileRows;
        for (int i = 0, row = 0; i < tiles; i++) {
            int height = (rows - row + tiles - i - 1) / (tiles - i);
            TileKernel kernel = scatteredTile(height, width / lanes);
            for (int panel = 0; panel < panels; panel++) {
                kernel.run(depth, a, aOffset + row * rowStride, b, starts[panel], steps, tile);
                moves.store(tile, 0, width, c, cOffset + (row * panels + panel) * width, panels * width, height,
                        width, add);
            }
            row += height;
        }
    }

    /** As the other, into native memory of this arithmetic's type with contiguous rows. */
    void multiply(int rows, int columns, int depth, Object a, int aOffset, Object b, int bOffset, int panelStride,
            MemorySegment c, long cOffset, long cRowBytes, boolean add, Object tile) {
        int bytes = doubles ? Double.BYTES : Float.BYTES;
        for (int row = 0; row < rows; row += tileRows) {
            int height = Math.min(tileRows, rows - row);
            for (int column = 0, panel = bOffset; column < columns; column += panelColumns(), panel += panelStride) {
                int count = Math.min(panelColumns(), columns - column);
                int width = paddedWidth(count);
                tile(height, width / lanes).run(depth, a, aOffset + row * rowStride, b, panel, null, tile);
                moves.store(tile, 0, width, c, cOffset + row * cRowBytes + (long) column * bytes, cRowBytes,
                        height, count, add);
            }
        }
    }

    /** Elements of scratch for {@link #dots}. */
    public int dotsSize() {
        return DOTS * virtualLanes();
    }

    private int virtualLanes() {
        return VIRTUAL_BYTES / (doubles ? Double.BYTES : Float.BYTES);
    }

    /**
     * {@link #DOTS} dot products of one matrix and others of the same shape: the lanes of 64 bytes are summed apart,
     * column by column, then folded in halves.
     *
     * @param a       contiguous from element 0 on
     * @param starts  where in {@code b} the others begin
     * @param bStride elements from one of their rows to the next
     * @param sums    scratch of {@link #dotsSize()}; the results are its first elements
     */
    public void dots(int rows, int columns, Object a, Object b, int[] starts, int bStride, Object sums) {
        moves.dots(rows, columns, a, b, starts, bStride, sums);
        for (int i = 0; i < DOTS; i++) {
            if (doubles) {
                ((double[]) sums)[i] = fold((double[]) sums, i * virtualLanes());
            } else {
                ((float[]) sums)[i] = fold((float[]) sums, i * virtualLanes());
            }
        }
    }

    private static float fold(float[] x, int at) {
        float a = (x[at] + x[at + 8]) + (x[at + 4] + x[at + 12]);
        float b = (x[at + 1] + x[at + 9]) + (x[at + 5] + x[at + 13]);
        float c = (x[at + 2] + x[at + 10]) + (x[at + 6] + x[at + 14]);
        float d = (x[at + 3] + x[at + 11]) + (x[at + 7] + x[at + 15]);
        return (a + c) + (b + d);
    }

    private static double fold(double[] x, int at) {
        return ((x[at] + x[at + 4]) + (x[at + 2] + x[at + 6])) + ((x[at + 1] + x[at + 5]) + (x[at + 3] + x[at + 7]));
    }
}
