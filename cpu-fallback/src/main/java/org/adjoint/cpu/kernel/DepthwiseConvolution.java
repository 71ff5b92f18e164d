package org.adjoint.cpu.kernel;

import java.lang.foreign.MemorySegment;
import org.adjoint.cpu.CpuKernel;
import org.adjoint.cpu.Parallel;
import org.adjoint.cpu.gemm.PanelKernels;

/**
 * Convolution in groups of few channels and images of moderate size, as a depthwise one is: computed and to the bit as
 * {@link PositionsConvolution} does, but a whole image at a time, group after group in the order they lie in memory.
 * The borders of images are filled with zeros once.
 */
final class DepthwiseConvolution implements CpuKernel {
    private static final int MOST_OUT = 4;
    private static final int MOST_CHANNELS = 4;
    private static final int MOST_CELLS = 8192;
    private static final int TASK_ELEMENTS = 32768;
    private static final int ENOUGH_TASKS = 16;

    private final ConvolutionShape shape;
    private final PhaseImage image;
    private final Arithmetic arithmetic;
    private final PanelKernels panels;
    private final ResultLines lines;
    /** Columns of a panel. */
    private final int width;
    private final int panelCount;
    /** Elements of a channel in scratch: cells of each phase. */
    private final int length;
    private final int groupsPerTask;
    private final int tasksPerImage;

    private DepthwiseConvolution(ConvolutionShape shape, PhaseImage image, Arithmetic arithmetic) {
        this.shape = shape;
        this.image = image;
        this.arithmetic = arithmetic;
        this.panels = arithmetic.panels;
        this.lines = new ResultLines(shape, image, arithmetic);
        int cells = image.cells();
        this.width = panels.scatteredColumns(shape.out(), cells);
        this.panelCount = Math.ceilDiv(cells, width);
        this.length = panelCount * width + image.maxShift();
        int most = Math.max(1, (int) ((long) shape.images() * shape.groups() / ENOUGH_TASKS));
        this.groupsPerTask = Math.clamp(TASK_ELEMENTS / (length * shape.channels()), 1, most);
        this.tasksPerImage = Math.ceilDiv(shape.groups(), groupsPerTask);
    }

    /** Null where it would gain nothing. */
    static DepthwiseConvolution of(ConvolutionShape shape, int vectorBits) {
        Arithmetic arithmetic = Arithmetic.of(shape.x().dtype(), vectorBits);
        if (shape.groups() == 1 || shape.out() > MOST_OUT || shape.channels() > MOST_CHANNELS
            || shape.depth() > arithmetic.panels.maxDepth()) {
            return null;
        }
        PhaseImage image = PhaseImage.ofPositions(shape);
        return (long) image.cells() * image.phases() > MOST_CELLS ? null
            : new DepthwiseConvolution(shape, image, arithmetic);
    }

    @Override
    public void run(MemorySegment[] slots, long[] scalars, Parallel parallel) {
        parallel.run(Math.multiplyExact(shape.images(), tasksPerImage), (task, worker) -> {
            int first = task % tasksPerImage * groupsPerTask;
            multiply(slots, task / tasksPerImage, first, Math.min(shape.groups(), first + groupsPerTask));
        });
    }

    private void multiply(MemorySegment[] slots, int number, int firstGroup, int endGroup) {
        Scratch scratch = Scratch.local();
        int taps = shape.tapCount();
        int channelSize = image.phases() * length;
        Object line = scratch.array(arithmetic, 0, shape.in()[shape.axes() - 1]);
        Object block = scratch.array(arithmetic, 1, shape.out() * panelCount * width + panels.lanes());
        Object tile = scratch.array(arithmetic, 2, panels.tileSize());
        Object cells = scratch.array(arithmetic, 3, shape.channels() * channelSize);
        Object rows = scratch.array(arithmetic, 5, shape.out() * panels.rowStride());
        short[] halves = scratch.halves(panels.maxDepth());
        int[] steps = scratch.ints(0, panels.maxDepth());
        int[] starts = scratch.ints(1, panelCount);
        for (int panel = 0; panel < panelCount; panel++) {
            starts[panel] = panel * width;
        }
        for (int step = 0; step < shape.depth(); step++) {
            steps[step] = step / taps * channelSize + image.shift(step % taps, length);
        }
        arithmetic.fill(cells, 0, shape.channels() * channelSize, 0);
        for (int group = firstGroup; group < endGroup; group++) {
            for (int channel = 0; channel < shape.channels(); channel++) {
                image.refill(arithmetic, slots[shape.x().slot()], shape.channelOffset(number, group, channel), cells,
                    channel * channelSize, 0, length, line, halves);
                for (int out = 0; out < shape.out(); out++) {
                    arithmetic.load(slots[shape.kernel().slot()], shape.tapsOffset(group, out, channel),
                        shape.kernel().dtype(), rows, out * panels.rowStride() + channel * taps, taps);
                }
            }
            panels.multiplyScattered(shape.out(), width, panelCount, shape.depth(), rows, 0, cells, starts, steps,
                block, 0, false, tile);
            lines.store(slots[shape.y().slot()], block, 0, panelCount * width, number, group, 0, shape.out(), 0,
                panelCount * width, scratch, 4);
        }
    }
}
