package org.adjoint.bench;

import java.io.IOException;
import java.io.PrintWriter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.adjoint.Device;
import org.adjoint.backend.DeviceReport;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code adjoint devices}: what is usable, what is not, and why. */
@Command(
        name = "devices",
        description = "Lists the devices that can compute, and says of the others why they can't.",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        footerHeading = "%nExamples:%n",
        footer = {
            "  adjoint devices",
            "  adjoint devices --json devices.json"
        })
final class DevicesCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Mixin
    private JsonOption json;

    @Override
    public Integer call() throws IOException {
        json.requireWritable();
        List<DeviceReport> reports = Device.list();
        PrintWriter out = spec.commandLine().getOut();
        int width = reports.stream().mapToInt(report -> report.name().length()).max().orElse(0);
        String chosen = reports.stream().filter(DeviceReport::usable).map(DeviceReport::name)
                .filter(name -> !name.equals("reference")).findFirst().orElse(null);
        for (DeviceReport report : reports) {
            String verdict = !report.usable() ? "unusable" : report.name().equals(chosen) ? "default" : "usable";
            out.printf("%-" + width + "s  %-8s  %s%n", report.name(), verdict, report.summary());
            for (String detail : report.details()) {
                out.printf("%-" + width + "s  %-8s    %s%n", "", "", detail);
            }
        }
        out.flush();
        Map<String, Object> results = new LinkedHashMap<>();
        results.put("default", chosen);
        results.put("devices", reports.stream().map(DevicesCommand::fields).toList());
        json.write(results);
        return chosen == null ? 1 : 0;
    }

    private static Map<String, Object> fields(DeviceReport report) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("name", report.name());
        fields.put("usable", report.usable());
        fields.put("summary", report.summary());
        fields.put("details", report.details());
        return fields;
    }
}
