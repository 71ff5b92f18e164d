package org.adjoint.cuda;

import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.adjoint.cuda.driver.GpuOptions;

/**
 * How a CUDA device runs; see {@link CudaBackend} for where the values come from.
 *
 * @param pooling whether freed memory is kept for later requests
 * @param graphs whether runs that repeat with the same memory are replayed as CUDA graphs
 * @param tf32 whether products of {@code F32} matrices may round their operands to 10 bits of fraction
 * @param separateIntermediates whether each intermediate has an allocation of its own, in place of a part of an arena,
 *     so that checking tools see where one ends
 * @param blocking whether each launch is waited for, so that a failing kernel is named
 */
record CudaOptions(boolean pooling, boolean graphs, boolean tf32, boolean separateIntermediates, boolean blocking) {
    private static final Set<String> NAMES =
        new TreeSet<>(Set.of("pooling", "graphs", "tf32", "separateIntermediates", "blocking"));

    /**
     * @throws IllegalArgumentException for an option or a value that is not known
     */
    static CudaOptions of(Map<String, String> options) {
        for (String name : options.keySet()) {
            if (!NAMES.contains(name)) {
                throw new IllegalArgumentException("cuda: unknown option '" + name + "': one of "
                    + String.join(", ", NAMES));
            }
        }
        return new CudaOptions(flag("pooling", options, "ADJOINT_CUDA_POOLING", true),
            flag("graphs", options, "ADJOINT_CUDA_GRAPHS", true), flag("tf32", options, "ADJOINT_CUDA_TF32", false),
            flag("separateIntermediates", options, "ADJOINT_CUDA_SEPARATE_INTERMEDIATES", false),
            flag("blocking", options, "ADJOINT_CUDA_BLOCKING", false));
    }

    /** A run that is waited for launch by launch can't be replayed as a whole. */
    boolean replays() {
        return graphs && !blocking;
    }

    GpuOptions gpu() {
        return new GpuOptions(pooling, tf32, blocking);
    }

    private static boolean flag(String name, Map<String, String> options, String variable, boolean fallback) {
        String property = "adjoint.cuda." + name;
        String text = options.get(name);
        String source = "";
        if (text == null) {
            text = System.getProperty(property);
            source = ", by the property " + property;
        }
        if (text == null) {
            text = System.getenv(variable);
            source = ", by the variable " + variable;
        }
        if (text == null) {
            return fallback;
        }
        return switch (text.strip()) {
            case "true" -> true;
            case "false" -> false;
            default -> throw new IllegalArgumentException(
                "cuda: " + name + " must be true or false but is '" + text + "'" + source);
        };
    }
}
