package org.adjoint.cpu;

import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * How the CPU device runs; see {@link CpuBackend} for where the values come from.
 *
 * @param threads workers, the calling thread included
 * @param vectorBits 128, 256 or 512, or 0 for scalar code
 */
record CpuOptions(int threads, int vectorBits) {
    private static final Set<String> NAMES = new TreeSet<>(Set.of("threads", "vectorBits"));

    /**
     * @throws IllegalArgumentException for an option or a value that is not known, or that this JVM can't serve
     */
    static CpuOptions of(Map<String, String> options) {
        for (String name : options.keySet()) {
            if (!NAMES.contains(name)) {
                throw new IllegalArgumentException("cpu: unknown option '" + name + "': one of "
                    + String.join(", ", NAMES));
            }
        }
        int threads = number("threads", options, "ADJOINT_CPU_THREADS", Runtime.getRuntime().availableProcessors());
        if (threads < 1 || threads > 4096) {
            throw new IllegalArgumentException("cpu: threads must be between 1 and 4096 but is " + threads);
        }
        int vectorBits = number("vectorBits", options, "ADJOINT_CPU_VECTOR_BITS", VectorSupport.preferredBits());
        if (vectorBits != 0 && vectorBits != 128 && vectorBits != 256 && vectorBits != 512) {
            throw new IllegalArgumentException(
                "cpu: vectorBits must be 128, 256 or 512, or 0 for scalar code, but is " + vectorBits);
        }
        if (vectorBits != 0 && !VectorSupport.present()) {
            throw new IllegalArgumentException("cpu: vectorBits " + vectorBits + " needs " + VectorSupport.REMEDY);
        }
        return new CpuOptions(threads, vectorBits);
    }

    private static int number(String name, Map<String, String> options, String variable, int fallback) {
        String text = options.get(name);
        if (text == null) {
            text = System.getProperty("adjoint.cpu." + name);
        }
        if (text == null) {
            text = System.getenv(variable);
        }
        if (text == null) {
            return fallback;
        }
        try {
            return Integer.parseInt(text.strip());
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException("cpu: " + name + " must be a whole number but is '" + text + "'", e);
        }
    }
}
