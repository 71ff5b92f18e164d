package org.adjoint.cpu.kernel;

import java.lang.foreign.MemorySegment;

/**
 * Writes what a convolution computed for cells of a {@link PhaseImage} that positions lie at, and drops what lies
 * between: lines that are whole many at a time.
 */
final class ResultLines {
    private final ConvolutionShape shape;
    private final PhaseImage image;
    private final Arithmetic arithmetic;

    /** @param image of positions */
    ResultLines(ConvolutionShape shape, PhaseImage image, Arithmetic arithmetic) {
        this.shape = shape;
        this.image = image;
        this.arithmetic = arithmetic;
    }

    /**
     * Writes cells {@code first} to {@code first + columns} of some rows of a group.
     *
     * @param block rows that begin at {@code blockAt}, {@code rowLength} elements apart
     * @param joined index of the array of {@code scratch} that may be used
     */
    void store(MemorySegment target, Object block, int blockAt, int rowLength, int number, int group, int firstRow,
        int height, int first, int columns, Scratch scratch, int joined) {
        int length = image.lineLength();
        int bytes = shape.y().dtype().bytes();
        Object lines = scratch.array(arithmetic, joined, columns + arithmetic.panels.lanes());
        for (int line = 0; line < image.lines(); ) {
            int cell = image.firstCell(line);
            int from = Math.max(cell, first);
            int to = Math.min(cell + length, first + columns);
            int count = from >= to ? 0 : wholeLines(line, first, first + columns);
            long at = (long) line * length + from - cell;
            for (int row = 0; from < to && row < height; row++) {
                long offset = shape.resultOffset(number, group, firstRow + row) + at * bytes;
                int source = blockAt + row * rowLength + from - first;
                if (count > 1) {
                    arithmetic.panels.joinLines(block, source, image.firstCell(line + 1) - cell, count, length, lines);
                    arithmetic.store(lines, 0, target, offset, shape.y().dtype(), count * length);
                } else {
                    arithmetic.store(block, source, target, offset, shape.y().dtype(), to - from);
                }
            }
            line += Math.max(1, count);
        }
    }

    /** How many lines from {@code line} on lie at equal distances and in the block. */
    private int wholeLines(int line, int start, int end) {
        int count = 0;
        int cell = image.firstCell(line);
        while (line + count < image.lines()
            && image.firstCell(line + count) >= start && image.firstCell(line + count) + image.lineLength() <= end
            && (count < 2 || image.firstCell(line + count) - cell == count * (image.firstCell(line + 1) - cell))) {
            count++;
        }
        return count;
    }
}
