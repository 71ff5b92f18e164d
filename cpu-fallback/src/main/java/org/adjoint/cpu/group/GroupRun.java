package org.adjoint.cpu.group;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.adjoint.cpu.group.GroupLoop.Mode;
import org.adjoint.cpu.group.GroupLoop.Sink;
import org.adjoint.plan.Group;

/**
 * A group over the points of a domain, block by block.
 *
 * @param extents the domain
 * @param inputs where inputs lie
 * @param outputs where results lie; null for one that is left in a row
 */
record GroupRun(GroupCode code, long[] extents, Strided[] inputs, Strided[] outputs) {
    /** Never written. */
    private static final long[] ZEROS = new long[8];

    /**
     * Runs points {@code start} to {@code start + n}.
     *
     * @param scalars arguments of the group
     * @param inputShifts elements that are added to the offset of each input, {@code outputShifts} of each output
     * @param rows rows of the results that are not {@link Sink#DIRECT}; not read where a result is only stored. For
     *     {@link Sink#LANES}, the lanes
     */
    void block(MemorySegment[] slots, long[] scalars, Scratch scratch, long start, int n, long[] inputShifts,
        long[] outputShifts, Object[] rows) {
        BlockKernel compiled = code.compiled(n);
        if (compiled == null) {
            for (int done = 0; done < n; done += Scratch.BLOCK) {
                int some = Math.min(n - done, Scratch.BLOCK);
                interpret(slots, scalars, scratch, start + done, some, inputShifts, outputShifts, rows);
            }
        } else {
            execute(compiled, slots, scalars, scratch, start, n, inputShifts, outputShifts, rows);
        }
    }

    private void interpret(MemorySegment[] slots, long[] scalars, Scratch scratch, long start, int n,
        long[] inputShifts, long[] outputShifts, Object[] rows) {
        BlockProgram blocks = code.blocks();
        blocks.run(scratch, scalars, n, (input, row) -> inputs[input].gather(slots[inputs[input].slot()], extents,
            inputShifts[input], start, n, row));
        for (int i = 0; i < outputs.length; i++) {
            Group.Result result = code.group.results().get(i);
            Object row = blocks.row(scratch, result.value());
            if (outputs[i] != null) {
                outputs[i].scatter(row, slots[outputs[i].slot()], extents, outputShifts[i], start, n);
            } else {
                fold(scratch, i, row, n, rows[i]);
            }
        }
    }

    /** Brings a row of a reduced result to where it is kept. */
    private void fold(Scratch scratch, int result, Object row, int n, Object kept) {
        switch (code.sinks.get(result)) {
            case ACCUMULATE -> {
                Object[] bases = scratch.bases(3);
                bases[0] = kept;
                bases[1] = row;
                bases[2] = kept;
                code.folds.get(result).get().run(bases, ZEROS, ZEROS, n);
            }
            case LANES -> {
                Object[] bases = scratch.bases(2);
                bases[0] = row;
                bases[1] = kept;
                code.folds.get(result).get().run(bases, ZEROS, ZEROS, n);
            }
            case SCRATCH, DIRECT -> System.arraycopy(row, 0, kept, 0, n);
        }
    }

    private void execute(BlockKernel kernel, MemorySegment[] slots, long[] scalars, Scratch scratch, long start, int n,
        long[] inputShifts, long[] outputShifts, Object[] rows) {
        int operands = code.program.operands();
        Object[] bases = scratch.bases(operands);
        long[] offsets = scratch.offsets(operands);
        long[] arguments = scratch.scalars(code.program.scalars().size());
        System.arraycopy(scalars, 0, arguments, 0, scalars.length);
        int uniform = scalars.length;
        int next = 0;
        int rowsUsed = 0;
        for (int i = 0; i < inputs.length; i++) {
            Strided input = inputs[i];
            MemorySegment memory = slots[input.slot()];
            switch (code.modes.get(i)) {
                case DIRECT -> {
                    bases[next] = memory;
                    offsets[next++] = (input.offset() + inputShifts[i] + input.distance(extents, start))
                        * input.dtype().bytes();
                }
                case UNIFORM -> arguments[uniform++] = Elements.scalar(memory, input.dtype(),
                    input.offset() + inputShifts[i] + input.distance(extents, start));
                case SCRATCH -> {
                    Object row = scratch.row(Kind.of(input.dtype()), rowsUsed++);
                    input.gather(memory, extents, inputShifts[i], start, n, row);
                    bases[next] = row;
                    offsets[next++] = 0;
                }
            }
        }
        int store = code.program.inputs().size();
        int lanes = store + code.program.stores().size();
        for (int i = 0; i < outputs.length; i++) {
            Strided output = outputs[i];
            switch (code.sinks.get(i)) {
                case DIRECT -> {
                    bases[store] = slots[output.slot()];
                    offsets[store++] = (output.offset() + outputShifts[i] + output.distance(extents, start))
                        * output.dtype().bytes();
                }
                case SCRATCH -> {
                    bases[store] = rows[i];
                    offsets[store++] = 0;
                }
                case ACCUMULATE -> {
                    bases[store] = rows[i];
                    offsets[store++] = 0;
                    bases[next] = rows[i];
                    offsets[next++] = 0;
                }
                case LANES -> {
                    bases[lanes] = rows[i];
                    offsets[lanes++] = 0;
                }
            }
        }
        kernel.run(bases, offsets, arguments, n);
        for (int i = 0; i < outputs.length; i++) {
            if (outputs[i] != null && code.sinks.get(i) == Sink.SCRATCH) {
                outputs[i].scatter(rows[i], slots[outputs[i].slot()], extents, outputShifts[i], start, n);
            }
        }
        Arrays.fill(bases, null);
    }

    /** Most points of a block: rows bound it, and calls should not show. */
    int blockSize() {
        boolean rows = code.modes.contains(Mode.SCRATCH) || code.sinks.contains(Sink.SCRATCH)
            || code.sinks.contains(Sink.ACCUMULATE);
        return rows ? Scratch.BLOCK : 8 * Scratch.BLOCK;
    }
}
