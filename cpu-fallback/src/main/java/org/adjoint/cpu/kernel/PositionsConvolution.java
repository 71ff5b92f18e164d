package org.adjoint.cpu.kernel;

import java.lang.foreign.MemorySegment;
import org.adjoint.cpu.CpuKernel;
import org.adjoint.cpu.Parallel;
import org.adjoint.cpu.gemm.PanelKernels;

/**
 * Convolution as a product of the kernel {@code (out, channels taps)} and patches {@code (channels taps, positions)}
 * that never exist but as packed panels: positions lie side by side in a {@link PhaseImage}, so a step of the depth is
 * a run of it. Runs go on from one line of positions to the next; what is computed in between, for positions that
 * there are not, is dropped. Sums are those of the matrix product of the decomposition, bit for bit.
 */
final class PositionsConvolution implements CpuKernel {
    private static final int COLUMNS = 256;
    private static final int ROWS_PER_TASK = 16;

    private final ConvolutionShape shape;
    private final PhaseImage image;
    private final Arithmetic arithmetic;
    private final PanelKernels panels;
    private final int chunks;
    private final int cells;
    private final int blockCells;
    private final int blocks;
    private final ArrayPool pool;

    PositionsConvolution(ConvolutionShape shape, ArrayPool pool, int vectorBits) {
        this.shape = shape;
        this.pool = pool;
        this.image = PhaseImage.ofPositions(shape);
        this.arithmetic = Arithmetic.of(shape.x().dtype(), vectorBits);
        this.panels = arithmetic.panels;
        this.chunks = Math.ceilDiv(shape.depth(), panels.maxDepth());
        this.cells = image.firstCell(image.lines() - 1) + image.lineLength();
        int even = Math.ceilDiv(cells, Math.ceilDiv(cells, COLUMNS));
        this.blockCells = Math.ceilDiv(even, panels.panelColumns()) * panels.panelColumns();
        this.blocks = Math.ceilDiv(cells, blockCells);
    }

    @Override
    public void run(MemorySegment[] slots, long[] scalars, Parallel parallel) {
        Object rows = pool.take(arithmetic,
            Math.multiplyExact(Math.multiplyExact(shape.groups() * chunks, shape.out()), panels.rowStride()));
        int rowTasks = Math.ceilDiv(shape.out(), ROWS_PER_TASK);
        parallel.run(shape.groups() * rowTasks, (task, worker) -> packRows(slots, rows, task / rowTasks,
            task % rowTasks * ROWS_PER_TASK));
        parallel.run(Math.multiplyExact(shape.images() * shape.groups(), blocks), (task, worker) -> {
            int group = task / blocks % shape.groups();
            multiply(slots, rows, task / blocks / shape.groups(), group, task % blocks * blockCells);
        });
        pool.give(arithmetic, rows);
    }

    private int rowsAt(int group, int chunk) {
        return (group * chunks + chunk) * shape.out() * panels.rowStride();
    }

    private void packRows(MemorySegment[] slots, Object rows, int group, int first) {
        int taps = shape.tapCount();
        Object row = Scratch.local().array(arithmetic, 0, shape.depth());
        for (int out = first; out < Math.min(shape.out(), first + ROWS_PER_TASK); out++) {
            int run = shape.kernel().strides()[2] == taps ? shape.channels() : 1;
            for (int channel = 0; channel < shape.channels(); channel += run) {
                arithmetic.load(slots[shape.kernel().slot()], shape.tapsOffset(group, out, channel),
                    shape.kernel().dtype(), row, channel * taps, run * taps);
            }
            for (int chunk = 0; chunk < chunks; chunk++) {
                int from = chunk * panels.maxDepth();
                System.arraycopy(row, from, rows, rowsAt(group, chunk) + out * panels.rowStride(),
                    Math.min(panels.maxDepth(), shape.depth() - from));
            }
        }
    }

    private void multiply(MemorySegment[] slots, Object rows, int number, int group, int first) {
        Scratch scratch = Scratch.local();
        int columns = Math.min(blockCells, cells - first);
        int taps = shape.tapCount();
        int width = panels.panelColumns();
        int length = Math.ceilDiv(columns, width) * width + image.maxShift();
        int channelSize = Math.multiplyExact(image.phases(), length);
        Object line = scratch.array(arithmetic, 0, shape.in()[shape.axes() - 1]);
        Object block = scratch.array(arithmetic, 1, shape.out() * columns);
        Object tile = scratch.array(arithmetic, 2, panels.tileSize());
        Object right = scratch.array(arithmetic, 3, Math.ceilDiv(columns, width) * width * panels.maxDepth());
        int[] steps = scratch.ints(panels.maxDepth());
        short[] halves = scratch.halves(panels.maxDepth());
        for (int chunk = 0; chunk < chunks; chunk++) {
            int from = chunk * panels.maxDepth();
            int depth = Math.min(panels.maxDepth(), shape.depth() - from);
            int firstChannel = from / taps;
            int lastChannel = (from + depth - 1) / taps;
            Object cellsOf = scratch.array(arithmetic, 4,
                Math.multiplyExact(lastChannel - firstChannel + 1, channelSize));
            for (int channel = firstChannel; channel <= lastChannel; channel++) {
                image.fill(arithmetic, slots[shape.x().slot()], shape.channelOffset(number, group, channel), cellsOf,
                    (channel - firstChannel) * channelSize, first, length, line, halves);
            }
            for (int step = 0; step < depth; step++) {
                int at = from + step;
                steps[step] = (at / taps - firstChannel) * channelSize + image.shift(at % taps, length);
            }
            panels.packSteps(cellsOf, 0, steps, depth, columns, right, 0, width * depth);
            panels.multiply(shape.out(), columns, depth, rows, rowsAt(group, chunk), right, 0, width * depth, block, 0,
                columns, chunk > 0, tile);
        }
        store(slots[shape.y().slot()], block, number, group, first, columns);
    }

    /** Writes what there are positions for: lines that are whole many at a time. */
    private void store(MemorySegment target, Object block, int number, int group, int first, int columns) {
        int length = image.lineLength();
        int bytes = shape.y().dtype().bytes();
        for (int line = 0; line < image.lines(); ) {
            int cell = image.firstCell(line);
            int from = Math.max(cell, first);
            int to = Math.min(cell + length, first + columns);
            int count = from >= to ? 0 : wholeLines(line, first, first + columns);
            long at = (long) line * length + from - cell;
            for (int out = 0; from < to && out < shape.out(); out++) {
                long offset = shape.resultOffset(number, group, out) + at * bytes;
                int source = out * columns + from - first;
                if (count > 1) {
                    panels.storeLines(block, source, image.firstCell(line + 1) - cell, target, offset,
                        (long) length * bytes, count, length);
                } else {
                    arithmetic.store(block, source, target, offset, shape.y().dtype(), to - from);
                }
            }
            line += Math.max(1, count);
        }
    }

    /** How many lines from {@code line} on lie at equal distances and in the block, if they need no rounding. */
    private int wholeLines(int line, int start, int end) {
        int count = 0;
        int cell = image.firstCell(line);
        while (!shape.y().dtype().isHalf() && line + count < image.lines()
            && image.firstCell(line + count) >= start && image.firstCell(line + count) + image.lineLength() <= end
            && (count < 2 || image.firstCell(line + count) - cell == count * (image.firstCell(line + 1) - cell))) {
            count++;
        }
        return count;
    }
}
