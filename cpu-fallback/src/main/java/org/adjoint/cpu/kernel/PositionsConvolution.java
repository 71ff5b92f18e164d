package org.adjoint.cpu.kernel;

import java.lang.foreign.MemorySegment;
import org.adjoint.cpu.CpuKernel;
import org.adjoint.cpu.Parallel;
import org.adjoint.cpu.gemm.PanelKernels;

/**
 * Convolution as a product of the kernel {@code (out, channels taps)} and patches {@code (channels taps, positions)}
 * that never exist: positions lie side by side in a {@link PhaseImage}, so a step of the depth is a run of it, read
 * where it lies. Runs go on from one line of positions to the next; what is computed in between, for positions that
 * there are not, is dropped. Sums are those of the matrix product of the decomposition, bit for bit, so that it makes
 * no difference to them what one task computes.
 */
final class PositionsConvolution implements CpuKernel {
    /** Elements of the result, and of what it reads, that a task keeps in a second-level cache. */
    private static final int BLOCK = 32768;
    private static final int MOST_COLUMNS = 4096;
    private static final int LEAST_COLUMNS = 256;
    private static final int ROWS_PER_TASK = 16;
    private static final int ENOUGH_TASKS = 16;
    /** Fewer rows are not worth filling images for. */
    private static final int LEAST_ROWS = 256;

    private final ConvolutionShape shape;
    private final PhaseImage image;
    private final Arithmetic arithmetic;
    private final PanelKernels panels;
    private final ResultLines lines;
    private final int chunks;
    private final int cells;
    /** Columns of a panel. */
    private final int width;
    private final int blockPanels;
    private final int blocks;
    private final int imagesPerTask;
    private final int imageTasks;
    private final int rowParts;
    private final ArrayPool pool;

    PositionsConvolution(ConvolutionShape shape, ArrayPool pool, int vectorBits) {
        this.shape = shape;
        this.pool = pool;
        this.image = PhaseImage.ofPositions(shape);
        this.arithmetic = Arithmetic.of(shape.x().dtype(), vectorBits);
        this.panels = arithmetic.panels;
        this.lines = new ResultLines(shape, image, arithmetic);
        this.chunks = Math.ceilDiv(shape.depth(), panels.maxDepth());
        this.cells = image.cells();
        int channels = Math.min(shape.channels(), panels.maxDepth() / shape.tapCount() + 1);
        int most = Math.clamp(BLOCK / Math.max(shape.out(), channels), LEAST_COLUMNS, MOST_COLUMNS);
        int even = Math.ceilDiv(cells, Math.ceilDiv(cells, most));
        this.width = panels.scatteredColumns(shape.out(), even);
        this.blockPanels = Math.ceilDiv(even, width);
        this.blocks = Math.ceilDiv(cells, blockPanels * width);
        this.imagesPerTask = blocks > 1 ? 1 : Math.clamp(most / (blockPanels * width), 1, shape.images());
        this.imageTasks = Math.ceilDiv(shape.images(), imagesPerTask);
        this.rowParts = Math.clamp(ENOUGH_TASKS / Math.multiplyExact(imageTasks * shape.groups(), blocks), 1,
            Math.ceilDiv(shape.out(), LEAST_ROWS));
    }

    @Override
    public void run(MemorySegment[] slots, long[] scalars, Parallel parallel) {
        Object rows = pool.take(arithmetic,
            Math.multiplyExact(Math.multiplyExact(shape.groups() * chunks, shape.out()), panels.rowStride()));
        int rowTasks = Math.ceilDiv(shape.out(), ROWS_PER_TASK);
        parallel.run(shape.groups() * rowTasks, (task, worker) -> packRows(slots, rows, task / rowTasks,
            task % rowTasks * ROWS_PER_TASK));
        int rowsPerPart = Math.ceilDiv(shape.out(), rowParts);
        parallel.run(Math.multiplyExact(imageTasks * shape.groups(), blocks * rowParts), (task, worker) -> {
            int part = task / rowParts;
            int firstRow = task % rowParts * rowsPerPart;
            multiply(slots, rows, part / blocks / shape.groups() * imagesPerTask, part / blocks % shape.groups(),
                part % blocks * blockPanels * width, firstRow,
                Math.min(rowsPerPart, shape.out() - firstRow));
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

    private void multiply(MemorySegment[] slots, Object rows, int firstImage, int group, int first, int firstRow,
        int height) {
        Scratch scratch = Scratch.local();
        int images = Math.min(imagesPerTask, shape.images() - firstImage);
        int columns = Math.min(blockPanels * width, cells - first);
        int taps = shape.tapCount();
        int imagePanels = Math.ceilDiv(columns, width);
        int length = imagePanels * width + image.maxShift();
        int imageSize = Math.multiplyExact(image.phases(), length);
        int channelSize = Math.multiplyExact(images, imageSize);
        Object line = scratch.array(arithmetic, 0, shape.in()[shape.axes() - 1]);
        Object block = scratch.array(arithmetic, 1, height * images * imagePanels * width + panels.lanes());
        Object tile = scratch.array(arithmetic, 2, panels.tileSize());
        int[] steps = scratch.ints(0, panels.maxDepth());
        int[] starts = scratch.ints(1, images * imagePanels);
        for (int panel = 0; panel < images * imagePanels; panel++) {
            starts[panel] = panel / imagePanels * imageSize + panel % imagePanels * width;
        }
        short[] halves = scratch.halves(panels.maxDepth());
        for (int chunk = 0; chunk < chunks; chunk++) {
            int from = chunk * panels.maxDepth();
            int depth = Math.min(panels.maxDepth(), shape.depth() - from);
            int firstChannel = from / taps;
            int lastChannel = (from + depth - 1) / taps;
            Object cellsOf = scratch.array(arithmetic, 3,
                Math.multiplyExact(lastChannel - firstChannel + 1, channelSize));
            for (int channel = firstChannel; channel <= lastChannel; channel++) {
                for (int i = 0; i < images; i++) {
                    image.fill(arithmetic, slots[shape.x().slot()],
                        shape.channelOffset(firstImage + i, group, channel), cellsOf,
                        (channel - firstChannel) * channelSize + i * imageSize, first, length, line, halves);
                }
            }
            for (int step = 0; step < depth; step++) {
                int at = from + step;
                steps[step] = (at / taps - firstChannel) * channelSize + image.shift(at % taps, length);
            }
            panels.multiplyScattered(height, width, images * imagePanels, depth, rows,
                rowsAt(group, chunk) + firstRow * panels.rowStride(), cellsOf, starts, steps, block, 0, chunk > 0,
                tile);
        }
        for (int i = 0; i < images; i++) {
            lines.store(slots[shape.y().slot()], block, i * imagePanels * width, images * imagePanels * width,
                firstImage + i, group, firstRow, height, first, columns, scratch, 4);
        }
    }
}
