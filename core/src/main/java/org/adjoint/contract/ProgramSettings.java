package org.adjoint.contract;

import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.adjoint.graph.DType;

/**
 * What random programs are made of.
 *
 * @param least operations, about
 * @param most operations
 * @param rank of new tensors, at most
 * @param extents of new tensors, those that are there twice twice as often
 * @param dtypes floating ones, likewise
 * @param groups of operations, taken equally often
 */
record ProgramSettings(int least, int most, int rank, List<Integer> extents, List<DType> dtypes,
    List<List<ProgramFamilies.Family>> groups) {
    static final ProgramSettings ANY = new ProgramSettings(5, 50, 3, List.of(1, 2, 3, 3, 4, 5, 7),
        List.of(DType.F32, DType.F32, DType.F32, DType.F64, DType.F64, DType.BF16, DType.F16), ProgramFamilies.GROUPS);
    /** Where each new kernel takes a compiler's time: fewer kinds of loops, and shorter programs. */
    static final ProgramSettings FEW_KERNELS = new ProgramSettings(5, 20, 2, List.of(2, 3, 3, 5),
        List.of(DType.F32, DType.F32, DType.F32, DType.F32, DType.F64, DType.BF16),
        ProgramFamilies.GROUPS);

    /** With these among the groups. */
    ProgramSettings with(List<ProgramFamilies.Family> group) {
        return new ProgramSettings(least, most, rank, extents, dtypes,
            Stream.concat(groups.stream(), Stream.of(group)).toList());
    }

    DType floating(SplittableRandom random) {
        return dtypes.get(random.nextInt(dtypes.size()));
    }

    long extent(SplittableRandom random) {
        return extents.get(random.nextInt(extents.size()));
    }
}
