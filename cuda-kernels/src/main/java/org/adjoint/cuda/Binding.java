package org.adjoint.cuda;

import java.util.Arrays;
import org.adjoint.cuda.launch.Argument;

/**
 * What one run binds.
 *
 * @param slots the address of each slot of the plan
 * @param workspace scratch memory that the steps share
 * @param status where kernels report indices out of range
 * @param scalars the plan's scalar values
 */
record Binding(long[] slots, long workspace, long status, long[] scalars) {
    /** All that varies from run to run. */
    long[] all() {
        long[] all = Arrays.copyOf(slots, slots.length + scalars.length + 1);
        System.arraycopy(scalars, 0, all, slots.length, scalars.length);
        all[all.length - 1] = workspace;
        return all;
    }

    /** @param argument one that stands for an address */
    long address(Argument argument) {
        return switch (argument) {
            case Argument.Address(int slot, long byteOffset) -> slots[slot] + byteOffset;
            case Argument.Workspace(long byteOffset) -> workspace + byteOffset;
            case Argument.Status _ -> status;
            case Argument.StepNumber _, Argument.Scalar _, Argument.Int32 _, Argument.Int64 _, Argument.Float32 _,
                Argument.Float64 _, Argument.Int64s _, Argument.Struct _ ->
                throw new IllegalArgumentException(argument + " is no address");
        };
    }
}
