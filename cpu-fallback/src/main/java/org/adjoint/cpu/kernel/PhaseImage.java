package org.adjoint.cpu.kernel;

import java.lang.foreign.MemorySegment;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import org.adjoint.graph.DType;

/**
 * A channel of an image in scratch, with its zeros around and between, laid out so that a convolution reads it in
 * straight runs. Of two indices that meet in an element, {@code base * spread + offset * move}, steps of the base are
 * to be steps of one: so along each axis elements are sorted by their remainder modulo the spread, the <em>phase</em>,
 * and lie in it by their quotient, the <em>cell</em>. For a result computed side by side the base is the position and
 * the offset the tap; for a product over the taps it is the other way round.
 *
 * <p>Cells of all axes are numbered in row-major order; scratch holds a window of them, the same of each phase.
 */
final class PhaseImage {
    private final ConvolutionShape shape;
    private final int lineLength;
    /** The cell of the first base of each line. */
    private final int[] baseCells;
    /** Cells from one line of the input to the next within a run of lines. */
    private final int lineStride;
    /** Per offset in row-major order. */
    private final int[] offsetPhase;
    private final int[] offsetCell;
    private final int phases;
    private final int maxShift;
    /** Per line of the input that is read at all: what its outer axes add to the phase and the cell; cells ascend. */
    private final int[] linePhase;
    private final int[] lineCell;
    private final long[] lineBytes;
    /** How many lines from one on lie at equal distances. */
    private final int[] equalLines;
    /** What becomes of the elements of a line; null where they stay side by side. */
    private final Run[] runs;
    private final int reach;

    private PhaseImage(ConvolutionShape shape, int[] baseExtents, int[] spread, int[] offsetExtents, int[] move) {
        this.shape = shape;
        int axes = shape.axes();
        int last = axes - 1;
        int[] reaches = new int[axes];
        int[][] phaseOf = new int[axes][];
        int[] phaseStrides = new int[axes];
        int[] cellStrides = new int[axes];
        int phaseCount = 1;
        int cells = 1;
        for (int axis = last; axis >= 0; axis--) {
            reaches[axis] = (baseExtents[axis] - 1) * spread[axis] + (offsetExtents[axis] - 1) * move[axis] + 1;
            phaseStrides[axis] = phaseCount;
            cellStrides[axis] = cells;
            phaseOf[axis] = new int[spread[axis]];
            Arrays.fill(phaseOf[axis], -1);
            int found = 0;
            for (int i = 0; i < offsetExtents[axis]; i++) {
                int remainder = i * move[axis] % spread[axis];
                if (phaseOf[axis][remainder] < 0) {
                    phaseOf[axis][remainder] = found++;
                }
            }
            phaseCount = Math.multiplyExact(phaseCount, found);
            cells = Math.multiplyExact(cells, (reaches[axis] - 1) / spread[axis] + 1);
        }
        this.phases = phaseCount;
        this.offsetPhase = new int[ConvolutionShape.product(offsetExtents)];
        this.offsetCell = new int[offsetPhase.length];
        int largest = 0;
        for (int offset = 0; offset < offsetPhase.length; offset++) {
            for (int axis = last, rest = offset; axis >= 0; rest /= offsetExtents[axis], axis--) {
                int distance = rest % offsetExtents[axis] * move[axis];
                offsetPhase[offset] += phaseOf[axis][distance % spread[axis]] * phaseStrides[axis];
                offsetCell[offset] += distance / spread[axis] * cellStrides[axis];
            }
            largest = Math.max(largest, offsetCell[offset]);
        }
        this.maxShift = largest;
        this.lineLength = baseExtents[last];
        this.lineStride = axes > 1 ? cellStrides[last - 1] : 0;
        this.baseCells = new int[ConvolutionShape.product(Arrays.copyOf(baseExtents, last))];
        for (int line = 0; line < baseCells.length; line++) {
            for (int axis = last - 1, rest = line; axis >= 0; rest /= baseExtents[axis], axis--) {
                baseCells[line] += rest % baseExtents[axis] * cellStrides[axis];
            }
        }
        this.reach = reaches[last];
        int lines = ConvolutionShape.product(Arrays.copyOf(shape.in(), last));
        int[] phasesOf = new int[lines];
        int[] cellsOf = new int[lines];
        long[] bytesOf = new long[lines];
        int read = 0;
        for (int line = 0; line < lines; line++) {
            int linePhase = 0;
            int lineCell = 0;
            long lineBytes = 0;
            boolean isRead = true;
            for (int axis = last - 1, rest = line; axis >= 0; rest /= shape.in()[axis], axis--) {
                int i = rest % shape.in()[axis];
                lineBytes += i * shape.x().strides()[3 + axis] * shape.x().dtype().bytes();
                int at = shape.low()[axis] + i * shape.inputDilation()[axis];
                int phase = at < 0 || at >= reaches[axis] ? -1 : phaseOf[axis][at % spread[axis]];
                isRead &= phase >= 0;
                linePhase += phase * phaseStrides[axis];
                lineCell += at / spread[axis] * cellStrides[axis];
            }
            if (isRead) {
                phasesOf[read] = linePhase;
                cellsOf[read] = lineCell;
                bytesOf[read++] = lineBytes;
            }
        }
        // With phases along several outer axes, cells do not ascend by themselves.
        int[] order = IntStream.range(0, read).boxed().sorted(Comparator.comparingInt(line -> cellsOf[line]))
            .mapToInt(Integer::intValue).toArray();
        this.linePhase = Arrays.stream(order).map(line -> phasesOf[line]).toArray();
        this.lineCell = Arrays.stream(order).map(line -> cellsOf[line]).toArray();
        this.lineBytes = Arrays.stream(order).mapToLong(line -> bytesOf[line]).toArray();
        this.equalLines = new int[read];
        for (int line = read - 1; line >= 0; line--) {
            boolean joins = line + 1 < read && linePhase[line + 1] == linePhase[line]
                && lineCell[line + 1] - lineCell[line] == lineStride;
            boolean goesOn = joins && (equalLines[line + 1] == 1
                || lineBytes[line + 2] - lineBytes[line + 1] == lineBytes[line + 1] - lineBytes[line]);
            equalLines[line] = goesOn ? equalLines[line + 1] + 1 : joins ? 2 : 1;
        }
        boolean straight = spread[last] == 1 && shape.inputDilation()[last] == 1;
        this.runs = straight ? null : runs(shape, spread[last], phaseOf[last]);
    }

    /**
     * Elements of a line that go to one phase.
     *
     * @param element the first
     * @param elementStep from one to the next
     * @param cell of the first
     * @param cellStep from one to the next
     */
    private record Run(int phase, int element, int elementStep, int cell, int cellStep, int count) { }

    private Run[] runs(ConvolutionShape shape, int spread, int[] phaseOf) {
        int last = shape.axes() - 1;
        int dilation = shape.inputDilation()[last];
        int low = shape.low()[last];
        int common = BigInteger.valueOf(spread).gcd(BigInteger.valueOf(dilation)).intValue();
        int step = spread / common;
        List<Run> found = new ArrayList<>();
        int first = Math.max(0, Math.ceilDiv(-low, dilation));
        for (int element = first; element < Math.min(first + step, shape.in()[last]); element++) {
            int at = low + element * dilation;
            if (at < reach && phaseOf[at % spread] >= 0) {
                int end = Math.min(shape.in()[last], Math.ceilDiv(reach - low, dilation));
                found.add(new Run(phaseOf[at % spread], element, step, at / spread, dilation / common,
                    Math.ceilDiv(end - element, step)));
            }
        }
        return found.toArray(Run[]::new);
    }

    /** Positions side by side. */
    static PhaseImage ofPositions(ConvolutionShape shape) {
        return new PhaseImage(shape, shape.positions(), shape.stride(), shape.taps(), shape.kernelDilation());
    }

    /** Taps side by side. */
    static PhaseImage ofTaps(ConvolutionShape shape) {
        return new PhaseImage(shape, shape.taps(), shape.kernelDilation(), shape.positions(), shape.stride());
    }

    int phases() {
        return phases;
    }

    /** How many cells further than its base an offset reaches, at most. */
    int maxShift() {
        return maxShift;
    }

    /** Runs of the base along the last axis. */
    int lines() {
        return baseCells.length;
    }

    int lineLength() {
        return lineLength;
    }

    /** The cell of the first base of a line. */
    int firstCell(int line) {
        return baseCells[line];
    }

    /** Cells from the first base to the last. */
    int cells() {
        return baseCells[baseCells.length - 1] + lineLength;
    }

    /** Where an offset is found, from the cell of a base on, with windows of {@code length} cells. */
    int shift(int offset, int length) {
        return offsetPhase[offset] * length + offsetCell[offset];
    }

    /**
     * Fills {@code phases() * length} elements from {@code at} on with cells {@code first} to {@code first + length}.
     *
     * @param channel bytes from the start of memory to the channel
     * @param line scratch for a line of the input
     * @param halves scratch for a line of 16-bit elements
     */
    void fill(Arithmetic arithmetic, MemorySegment memory, long channel, Object target, int at, int first, int length,
        Object line, short[] halves) {
        arithmetic.fill(target, at, phases * length, 0);
        refill(arithmetic, memory, channel, target, at, first, length, line, halves);
    }

    /** As {@link #fill}, where there are zeros or the same cells of another channel already. */
    void refill(Arithmetic arithmetic, MemorySegment memory, long channel, Object target, int at, int first, int length,
        Object line, short[] halves) {
        if (runs == null) {
            fillStraight(arithmetic, memory, channel, target, at, first, length, halves);
            return;
        }
        for (int i = firstLine(first - reach); i < lineCell.length && lineCell[i] - first < length; i++) {
            int start = lineCell[i] - first;
            arithmetic.load(memory, channel + lineBytes[i], shape.x().dtype(), line, 0, shape.in()[shape.axes() - 1]);
            for (Run run : runs) {
                int cell = start + run.cell;
                int from = cell >= 0 ? 0 : Math.ceilDiv(-cell, run.cellStep);
                int to = Math.min(run.count, Math.ceilDiv(length - cell, run.cellStep));
                int origin = at + (linePhase[i] + run.phase) * length + cell;
                if (target instanceof float[] floats) {
                    copy((float[]) line, floats, origin, run, from, to);
                } else {
                    copy((double[]) line, (double[]) target, origin, run, from, to);
                }
            }
        }
    }

    /**
     * Lines as they are. Those that lie whole in the window are moved many at a time, each with zeros up to a whole
     * vector behind it, which following lines overwrite.
     */
    private void fillStraight(Arithmetic arithmetic, MemorySegment memory, long channel, Object target, int at,
        int first, int length, short[] halves) {
        DType dtype = shape.x().dtype();
        int low = shape.low()[shape.axes() - 1];
        int skipped = Math.max(0, -low);
        int width = Math.min(shape.in()[shape.axes() - 1], reach - low) - skipped;
        int padded = width <= 0 ? 0 : arithmetic.panels.paddedWidth(width);
        if (width <= 0) {
            return;
        }
        for (int i = firstLine(first - low - skipped - width); i < lineCell.length; ) {
            int start = lineCell[i] - first + low + skipped;
            if (start >= length) {
                return;
            }
            int to = at + linePhase[i] * length + start;
            long from = channel + lineBytes[i] + (long) skipped * dtype.bytes();
            int count = start < 0 || width > halves.length || start + padded > length ? 0
                : lineStride == 0 ? 1 : Math.min(equalLines[i], (length - start - padded) / lineStride + 1);
            if (count > 0) {
                long rowBytes = count > 1 ? lineBytes[i + 1] - lineBytes[i] : 0;
                arithmetic.panels.loadLines(Arithmetic.elementType(dtype), memory, from, rowBytes, count, width, target,
                    to, lineStride, halves);
            } else {
                int before = Math.max(0, -start);
                arithmetic.load(memory, from + (long) before * dtype.bytes(), dtype, target, to + before,
                    Math.min(width, length - start) - before);
            }
            i += Math.max(1, count);
        }
    }

    /** The first line whose cell lies behind {@code cell}. */
    private int firstLine(int cell) {
        int from = 0;
        int to = lineCell.length == 0 || lineCell[0] > cell ? 0 : lineCell.length;
        while (from < to) {
            int middle = (from + to) >>> 1;
            if (lineCell[middle] > cell) {
                to = middle;
            } else {
                from = middle + 1;
            }
        }
        return from;
    }

    private static void copy(float[] line, float[] target, int at, Run run, int from, int to) {
        int step = run.elementStep;
        int cellStep = run.cellStep;
        int element = run.element;
        if (step == 2 && cellStep == 1) {
            // Of a constant step, checks of the bounds leave the loop.
            for (int i = from; i < to; i++) {
                target[at + i] = line[element + 2 * i];
            }
            return;
        }
        for (int i = from; i < to; i++) {
            target[at + i * cellStep] = line[element + i * step];
        }
    }

    private static void copy(double[] line, double[] target, int at, Run run, int from, int to) {
        int step = run.elementStep;
        int cellStep = run.cellStep;
        int element = run.element;
        if (step == 2 && cellStep == 1) {
            // Of a constant step, checks of the bounds leave the loop.
            for (int i = from; i < to; i++) {
                target[at + i] = line[element + 2 * i];
            }
            return;
        }
        for (int i = from; i < to; i++) {
            target[at + i * cellStep] = line[element + i * step];
        }
    }
}
