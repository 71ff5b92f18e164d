package org.adjoint.cpu.kernel;

import java.lang.foreign.MemorySegment;
import org.adjoint.cpu.CpuKernel;
import org.adjoint.cpu.Parallel;
import org.adjoint.cpu.gemm.ElementType;
import org.adjoint.cpu.gemm.PanelKernels;

/**
 * Convolution with more taps than positions, as the gradient of a kernel is: a product of patches {@code (images
 * positions, channels taps)} and the kernel {@code (channels taps, out)}. Taps lie side by side in a
 * {@link PhaseImage}, so a row of patches is made of runs of it. Each channel's taps are summed in chunks; where there
 * are few rows, ranges of channels are summed apart and then added in order. All of that follows from the shape alone.
 */
final class TapsConvolution implements CpuKernel {
    private static final int ROWS = 192;
    private static final int ENOUGH_TASKS = 16;

    private final ConvolutionShape shape;
    private final PhaseImage image;
    private final Arithmetic arithmetic;
    private final PanelKernels panels;
    private final ElementType kernelType;
    private final int imagesPerTask;
    private final int tasksPerGroup;
    private final int ranges;
    private final int channelsPerRange;
    private final int chunkTaps;
    private final ArrayPool pool;

    TapsConvolution(ConvolutionShape shape, ArrayPool pool, int vectorBits) {
        this.shape = shape;
        this.pool = pool;
        this.image = PhaseImage.ofTaps(shape);
        this.arithmetic = Arithmetic.of(shape.x().dtype(), vectorBits);
        this.panels = arithmetic.panels;
        this.kernelType = Arithmetic.elementType(shape.kernel().dtype());
        this.imagesPerTask = Math.clamp(ROWS / shape.positionCount(), 1, shape.images());
        this.tasksPerGroup = Math.ceilDiv(shape.images(), imagesPerTask);
        int wanted = Math.ceilDiv(ENOUGH_TASKS, shape.groups() * tasksPerGroup);
        this.channelsPerRange = Math.ceilDiv(shape.channels(), Math.min(wanted, shape.channels()));
        this.ranges = Math.ceilDiv(shape.channels(), channelsPerRange);
        int line = image.lineLength();
        this.chunkTaps = line >= panels.maxDepth() ? panels.maxDepth() : panels.maxDepth() / line * line;
    }

    private int rows() {
        return imagesPerTask * shape.positionCount();
    }

    private int blockSize() {
        return Math.multiplyExact(rows(), shape.out());
    }

    private int blockAt(int range, int group, int task) {
        return Math.multiplyExact((range * shape.groups() + group) * tasksPerGroup + task, blockSize());
    }

    @Override
    public void run(MemorySegment[] slots, long[] scalars, Parallel parallel) {
        Object sums = pool.take(arithmetic, blockAt(ranges, 0, 0));
        int perRange = shape.groups() * tasksPerGroup;
        parallel.run(ranges * perRange, (task, worker) -> multiply(slots, sums, task / perRange,
            task % perRange / tasksPerGroup, task % tasksPerGroup));
        parallel.run(perRange, (task, worker) -> store(slots[shape.y().slot()], sums, task / tasksPerGroup,
            task % tasksPerGroup));
        pool.give(arithmetic, sums);
    }

    private void multiply(MemorySegment[] slots, Object sums, int range, int group, int task) {
        Scratch scratch = Scratch.local();
        int firstImage = task * imagesPerTask;
        int images = Math.min(imagesPerTask, shape.images() - firstImage);
        int rows = images * shape.positionCount();
        int taps = shape.tapCount();
        int width = panels.panelColumns();
        int panelCount = Math.ceilDiv(shape.out(), width);
        Object line = scratch.array(arithmetic, 0, shape.in()[shape.axes() - 1]);
        Object left = scratch.array(arithmetic, 1, rows * panels.rowStride());
        Object tile = scratch.array(arithmetic, 2, panels.tileSize());
        Object right = scratch.array(arithmetic, 3, panelCount * width * panels.maxDepth());
        Object staging = scratch.array(arithmetic, 4, panels.stagingSize());
        short[] halves = scratch.halves(panels.maxDepth());
        int block = blockAt(range, group, task);
        boolean add = false;
        int end = Math.min(shape.channels(), (range + 1) * channelsPerRange);
        for (int channel = range * channelsPerRange; channel < end; channel++) {
            for (int from = 0; from < taps; from += chunkTaps) {
                int depth = Math.min(chunkTaps, taps - from);
                for (int panel = 0; panel < panelCount; panel++) {
                    panels.packPanel(kernelType, slots[shape.kernel().slot()],
                        shape.tapsOffset(group, panel * width, channel) + (long) from * kernelType.bytes(), 1,
                        shape.kernel().strides()[1], depth, Math.min(width, shape.out() - panel * width), right,
                        panel * width * depth, staging, halves);
                }
                packRows(slots[shape.x().slot()], scratch, firstImage, images, group, channel, from, depth, left, line,
                    halves);
                panels.multiply(rows, shape.out(), depth, left, 0, right, 0, width * depth, sums, block, shape.out(),
                    add, tile);
                add = true;
            }
        }
    }

    private void packRows(MemorySegment memory, Scratch scratch, int firstImage, int images, int group, int channel,
        int from, int depth, Object left, Object line, short[] halves) {
        int lineLength = image.lineLength();
        int firstLine = from / lineLength;
        int first = image.firstCell(firstLine) + from % lineLength;
        int last = image.firstCell((from + depth - 1) / lineLength) + (from + depth - 1) % lineLength;
        int length = last - first + 1 + image.maxShift();
        Object cells = scratch.array(arithmetic, 5, image.phases() * length);
        for (int i = 0; i < images; i++) {
            image.fill(arithmetic, memory, shape.channelOffset(firstImage + i, group, channel), cells, 0, first, length,
                line, halves);
            for (int done = 0; done < depth; ) {
                int tap = from + done;
                int run = Math.min(lineLength - tap % lineLength, depth - done);
                int cell = image.firstCell(tap / lineLength) + tap % lineLength - first;
                for (int position = 0; position < shape.positionCount(); position++) {
                    System.arraycopy(cells, cell + image.shift(position, length), left,
                        (i * shape.positionCount() + position) * panels.rowStride() + done, run);
                }
                done += run;
            }
        }
    }

    /** Adds up the ranges and writes them, row by row of the result. */
    private void store(MemorySegment target, Object sums, int group, int task) {
        int positions = shape.positionCount();
        int firstImage = task * imagesPerTask;
        int images = Math.min(imagesPerTask, shape.images() - firstImage);
        int size = images * positions * shape.out();
        int total = blockAt(0, group, task);
        for (int range = 1; range < ranges; range++) {
            arithmetic.add(sums, total, sums, blockAt(range, group, task), sums, total, size);
        }
        Object row = Scratch.local().array(arithmetic, 0, positions);
        for (int i = 0; i < images; i++) {
            for (int out = 0; out < shape.out(); out++) {
                for (int position = 0; position < positions; position++) {
                    System.arraycopy(sums, total + (i * positions + position) * shape.out() + out, row, position, 1);
                }
                arithmetic.store(row, 0, target, shape.resultOffset(firstImage + i, group, out), shape.y().dtype(),
                    positions);
            }
        }
    }
}
