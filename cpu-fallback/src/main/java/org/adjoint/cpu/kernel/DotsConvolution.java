package org.adjoint.cpu.kernel;

import java.lang.foreign.MemorySegment;
import org.adjoint.cpu.CpuKernel;
import org.adjoint.cpu.Parallel;
import org.adjoint.cpu.gemm.PanelKernels;

/**
 * Convolution with more taps than positions and few results for a channel, as the gradient of a depthwise kernel is:
 * there is no product of matrices worth packing for, but a dot product of the taps and what they meet in a
 * {@link PhaseImage} for each position. Lanes are those of {@link PanelKernels#dots}; channels are added up in order.
 */
final class DotsConvolution implements CpuKernel {
    private static final int MOST_OUT = 4;
    /** One task for each image and group: with fewer of them, threads would go idle. */
    private static final int ENOUGH_TASKS = 16;

    private final ConvolutionShape shape;
    private final PhaseImage image;
    private final Arithmetic arithmetic;
    private final PanelKernels panels;
    /** Cells that a channel takes. */
    private final int length;
    /** From one line of taps to the next. */
    private final int lineStride;

    DotsConvolution(ConvolutionShape shape, int vectorBits) {
        this.shape = shape;
        this.image = PhaseImage.ofTaps(shape);
        this.arithmetic = Arithmetic.of(shape.x().dtype(), vectorBits);
        this.panels = arithmetic.panels;
        this.length = image.firstCell(image.lines() - 1) + image.lineLength() + image.maxShift();
        this.lineStride = image.lines() > 1 ? image.firstCell(1) : 0;
    }

    static boolean fits(ConvolutionShape shape) {
        // Lines of up to two axes are equally far apart.
        return shape.out() <= MOST_OUT && shape.axes() <= 2
            && (long) shape.images() * shape.groups() >= ENOUGH_TASKS;
    }

    @Override
    public void run(MemorySegment[] slots, long[] scalars, Parallel parallel) {
        parallel.run(Math.multiplyExact(shape.images(), shape.groups()),
            (task, worker) -> sum(slots, task / shape.groups(), task % shape.groups()));
    }

    private void sum(MemorySegment[] slots, int number, int group) {
        Scratch scratch = Scratch.local();
        int results = shape.out() * shape.positionCount();
        Object line = scratch.array(arithmetic, 0, shape.in()[shape.axes() - 1]);
        Object totals = scratch.array(arithmetic, 1, results);
        Object taps = scratch.array(arithmetic, 2, shape.tapCount());
        Object cells = scratch.array(arithmetic, 3, Math.multiplyExact(image.phases(), length));
        Object sums = scratch.array(arithmetic, 4, panels.dotsSize());
        short[] halves = scratch.halves(panels.maxDepth());
        int[] starts = scratch.ints(0, PanelKernels.DOTS);
        arithmetic.fill(totals, 0, results, 0);
        for (int channel = 0; channel < shape.channels(); channel++) {
            image.fill(arithmetic, slots[shape.x().slot()], shape.channelOffset(number, group, channel), cells, 0, 0,
                length, line, halves);
            for (int out = 0; out < shape.out(); out++) {
                arithmetic.load(slots[shape.kernel().slot()], shape.tapsOffset(group, out, channel),
                    shape.kernel().dtype(), taps, 0, shape.tapCount());
                int total = out * shape.positionCount();
                for (int first = 0; first < shape.positionCount(); first += PanelKernels.DOTS) {
                    for (int i = 0; i < PanelKernels.DOTS; i++) {
                        starts[i] = image.shift(Math.min(first + i, shape.positionCount() - 1), length);
                    }
                    panels.dots(image.lines(), image.lineLength(), taps, cells, starts, lineStride, sums);
                    arithmetic.add(totals, total + first, sums, 0, totals, total + first,
                        Math.min(PanelKernels.DOTS, shape.positionCount() - first));
                }
            }
        }
        arithmetic.store(totals, 0, slots[shape.y().slot()], shape.resultOffset(number, group, 0), shape.y().dtype(),
            results);
    }
}
