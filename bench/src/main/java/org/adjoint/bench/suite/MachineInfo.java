package org.adjoint.bench.suite;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.temporal.ChronoUnit;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.adjoint.cpu.gemm.Gemm;

/** Where and when figures were measured. A bundle, which has no repository, is told its commit by a property. */
public record MachineInfo(String processor, int cores, String jdk, int vectorBits, int threads, String date, String commit) {

    public static MachineInfo of(int threads) {
        return new MachineInfo(processorName(), Runtime.getRuntime().availableProcessors(),
            System.getProperty("java.vendor.version", System.getProperty("java.vendor")) + " " + Runtime.version(),
            Gemm.preferred().vectorBits(), threads,
            ZonedDateTime.now().truncatedTo(ChronoUnit.SECONDS).format(DateTimeFormatter.ISO_OFFSET_DATE_TIME),
            Optional.ofNullable(System.getProperty("adjoint.commit"))
                .or(() -> SourceTree.root().flatMap(MachineInfo::commitOf)).orElse("unknown"));
    }

    private static String processorName() {
        Optional<String> name;
        try {
            name = Files.readAllLines(Path.of("/proc/cpuinfo")).stream().filter(line -> line.startsWith("model name"))
                .map(line -> line.substring(line.indexOf(':') + 1).strip()).findFirst();
        } catch (IOException e) {
            name = output(Path.of("."), "sysctl", "-n", "machdep.cpu.brand_string");
        }
        return name.orElse(System.getProperty("os.arch"));
    }

    private static Optional<String> commitOf(Path root) {
        return output(root, "git", "describe", "--always", "--dirty");
    }

    /** The first line that a program prints, if there is such a program and it works. */
    private static Optional<String> output(Path folder, String... command) {
        try {
            Process process = new ProcessBuilder(command).directory(folder.toFile())
                .redirectError(ProcessBuilder.Redirect.DISCARD).start();
            byte[] bytes = process.getInputStream().readAllBytes();
            List<String> lines = new String(bytes, StandardCharsets.UTF_8).lines().toList();
            return process.waitFor(10, TimeUnit.SECONDS) && process.exitValue() == 0 ? lines.stream().findFirst()
                : Optional.empty();
        } catch (IOException e) {
            return Optional.empty();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return Optional.empty();
        }
    }

    public Map<String, Object> fields() {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("processor", processor);
        fields.put("cores", cores);
        fields.put("jdk", jdk);
        fields.put("vectorBits", vectorBits);
        fields.put("threads", threads);
        fields.put("date", date);
        fields.put("commit", commit);
        return fields;
    }

    @Override
    public String toString() {
        return processor + ", " + threads + " of " + cores + (cores == 1 ? " core, " : " cores, ")
            + (vectorBits == 0 ? "scalar code" : vectorBits + "-bit vectors") + ", " + jdk + ", commit " + commit;
    }
}
