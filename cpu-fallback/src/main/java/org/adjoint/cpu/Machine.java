package org.adjoint.cpu;

import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/** What is known of the machine. Containers' limits count as the machine's. */
final class Machine {
    private Machine() { }

    /** Physical memory. */
    static long memoryBytes() {
        return system().getTotalMemorySize();
    }

    /** Memory that can be had without swapping: what is free, and caches of files, which the system gives up. */
    static long availableBytes() {
        long free = system().getFreeMemorySize();
        for (String line : lines("/proc/meminfo")) {
            if (line.startsWith("MemAvailable:")) {
                long available = Long.parseLong(line.replaceAll("\\D", "")) << 10;
                return Math.min(memoryBytes(), Math.max(free, available));
            }
        }
        return free;
    }

    private static OperatingSystemMXBean system() {
        return (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    }

    /** The processor's name where the system tells it, else the architecture. */
    static String processor() {
        for (String line : lines("/proc/cpuinfo")) {
            if (line.startsWith("model name")) {
                return line.substring(line.indexOf(':') + 1).strip();
            }
        }
        String name = System.getenv("PROCESSOR_IDENTIFIER");
        return name != null ? name : System.getProperty("os.arch");
    }

    private static List<String> lines(String path) {
        try {
            return Files.readAllLines(Path.of(path));
        } catch (IOException e) {
            return List.of();
        }
    }

    /** {@code "1.5 GiB"}. */
    static String text(long bytes) {
        if (bytes < 1024) {
            return bytes + " B";
        }
        double value = bytes;
        int unit = 0;
        while (value >= 1024 && unit < 6) {
            value /= 1024;
            unit++;
        }
        return String.format(Locale.ROOT, "%.1f %ciB", value, " KMGTPE".charAt(unit));
    }
}
