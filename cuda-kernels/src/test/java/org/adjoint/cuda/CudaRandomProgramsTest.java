package org.adjoint.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.adjoint.Device;
import org.adjoint.contract.RandomPrograms;
import org.adjoint.cuda.emulator.Emulator;
import org.junit.jupiter.api.Test;

class CudaRandomProgramsTest {
    /** Of one plan: the compiler's time is in its start, more than in the number of its kernels. */
    private static final int TOGETHER = 25;
    /** What many wait for is compiled together, too. */
    private static final int THREADS = 8;

    @Test
    void randomProgramsGiveTheReferencesResultsAndGradients() {
        Emulator emulator = Emulator.require();
        emulator.reset();
        int programs = Integer.getInteger("adjoint.test.randomPrograms", 500);
        assertEquals(List.of(), RandomPrograms.runInThreads(THREADS, () -> Device.open("cuda"),
            any -> any.fewKernels(TOGETHER), programs));
        assertEquals("", emulator.fault());
    }
}
