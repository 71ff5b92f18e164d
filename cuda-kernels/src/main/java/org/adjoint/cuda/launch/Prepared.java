package org.adjoint.cuda.launch;

import java.util.List;

/**
 * A step of a plan, ready but for addresses.
 *
 * @param work in order; empty where there is nothing to do
 * @param workspaceBytes scratch memory that the step's work shares, aligned to 256 bytes; its contents are undefined
 * @param checksIndices whether a kernel may report an index out of range
 */
public record Prepared(List<Work> work, long workspaceBytes, boolean checksIndices) {
    public Prepared {
        work = List.copyOf(work);
    }

    /** Nothing to do: the result is empty or lies there already. */
    public static final Prepared NOTHING = new Prepared(List.of(), 0, false);

    public static Prepared of(Work... work) {
        return new Prepared(List.of(work), 0, false);
    }
}
