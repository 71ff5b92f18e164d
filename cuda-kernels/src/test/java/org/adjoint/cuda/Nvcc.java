package org.adjoint.cuda;

import java.io.IOException;
import org.junit.jupiter.api.Assumptions;

/** NVIDIA's compiler, which needs no card. */
public final class Nvcc {
    private Nvcc() { }

    /** Skips the running test, loudly, where it is not installed. */
    public static void require() throws InterruptedException {
        try {
            new ProcessBuilder("nvcc", "--version").redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD).start().waitFor();
        } catch (IOException e) {
            String message = "SKIPPED: kernels are not compiled for real cards, for nvcc is not installed";
            System.err.println(message);
            Assumptions.abort(message);
        }
    }
}
