package org.adjoint.bench.verify;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.adjoint.contract.ContractSuite;

/**
 * The contract suite under NVIDIA's compute-sanitizer, which watches every access of every kernel; in a process of its
 * own for each operation, with one allocation for each intermediate.
 *
 * @param device its name
 */
record SanitizerPart(String device) implements Part {
    private static final String PROGRAM = "compute-sanitizer";
    /** What it exits with where it found something; other failures have other numbers. */
    private static final int FOUND = 86;
    private static final int LINES_KEPT = 40;
    /** Under the tool a kernel takes some hundred times as long; what takes longer than this hangs. */
    private static final int LONGEST_MINUTES = 5;
    /** Each has a context and the tool's tables on the card, and a heap of its own. */
    private static final int MOST_PROCESSES = 8;

    @Override
    public String name() {
        return "sanitizer";
    }

    @Override
    public List<Item> items() {
        if (!isInstalled()) {
            return List.of(new Item("not installed", () -> Map.of("passed", true, "skipped",
                PROGRAM + " is not on the path: it comes with the CUDA toolkit")));
        }
        return Stream.of("memcheck", "racecheck").flatMap(tool -> ContractSuite.operations().stream()
            .map(op -> new Item(tool + " " + op, () -> check(tool, op)))).toList();
    }

    /** A process takes a processor for most of its time, and waits for the card for the rest. */
    @Override
    public int concurrency() {
        return Math.clamp(Runtime.getRuntime().availableProcessors() / 2, 1, MOST_PROCESSES);
    }

    /** The kernels are those of the contract. */
    @Override
    public List<Item> rehearsals() {
        return List.of();
    }

    private static boolean isInstalled() {
        try {
            Process process = new ProcessBuilder(PROGRAM, "--version").redirectErrorStream(true).start();
            process.getInputStream().readAllBytes();
            return process.waitFor() == 0;
        } catch (IOException e) {
            return false;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    private Map<String, Object> check(String tool, String op) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(PROGRAM, "--tool", tool, "--error-exitcode",
            Integer.toString(FOUND), "--target-processes", "application-only"));
        command.add(ProcessHandle.current().info().command().orElse("java"));
        command.addAll(List.of("-Xmx4g", "--add-modules", "jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED"));
        for (String property : List.of("adjoint.cuda.libraries", "adjoint.cuda.cache", "adjoint.cuda.cubins")) {
            Optional.ofNullable(System.getProperty(property)).ifPresent(it -> command.add("-D" + property + "=" + it));
        }
        command.addAll(List.of("-Dadjoint.cuda.separateIntermediates=true", "-Dadjoint.cuda.pooling=false",
            "-Dadjoint.cuda.graphs=false", "-cp", System.getProperty("java.class.path"),
            "org.adjoint.bench.Adjoint", "gradcheck", "--device", device, "--op", op));
        Path log = Files.createTempFile("adjoint-sanitizer", ".log");
        try {
            Process process = new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile()).start();
            boolean ended = process.waitFor(LONGEST_MINUTES, TimeUnit.MINUTES);
            if (!ended) {
                process.destroyForcibly().waitFor();
            }
            List<String> output = new String(Files.readAllBytes(log), StandardCharsets.UTF_8).lines().toList();
            Map<String, Object> fields = new LinkedHashMap<>();
            fields.put("passed", ended && process.exitValue() == 0);
            if (!ended) {
                fields.put("threw", "it did not end within " + LONGEST_MINUTES + " minutes");
            } else if (process.exitValue() != 0) {
                fields.put("status", process.exitValue());
            }
            if (!ended || process.exitValue() != 0) {
                fields.put("output", output.subList(Math.max(0, output.size() - LINES_KEPT), output.size()));
            }
            return fields;
        } finally {
            Files.delete(log);
        }
    }
}
