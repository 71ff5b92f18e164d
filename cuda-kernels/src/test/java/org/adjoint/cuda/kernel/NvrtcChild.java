package org.adjoint.cuda.kernel;

import java.nio.file.Path;
import org.adjoint.cuda.driver.KernelCompiler;
import org.adjoint.cuda.driver.Libraries;
import org.adjoint.cuda.driver.Nvrtc;

/** A JVM of its own that compiles every file of kernels by NVRTC: a process has one, and the tests' own is emulated. */
final class NvrtcChild {
    private NvrtcChild() { }

    /** Arguments: a folder for what is compiled, and compute capabilities times 10. */
    public static void main(String[] arguments) {
        Nvrtc nvrtc = Libraries.loadCompiler();
        KernelCompiler compiler = KernelCompiler.filling(Path.of(arguments[0]), nvrtc);
        for (int i = 1; i < arguments.length; i++) {
            int architecture = Integer.parseInt(arguments[i]);
            if (compiler.target(architecture) != architecture) {
                throw new AssertionError(nvrtc.origin() + " compiles for sm_" + compiler.target(architecture));
            }
            compiler.prepare(KernelSources.all().stream().filter(it -> KernelSources.isFor(architecture, it)).toList(),
                architecture);
        }
        System.out.println("NVRTC " + nvrtc.version() + " " + nvrtc.origin());
    }
}
