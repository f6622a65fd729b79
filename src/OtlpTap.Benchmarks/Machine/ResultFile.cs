namespace OtlpTap.Benchmarks.Machine;

/// <summary>Prints a result with its circumstances, and writes it to a file when one is named.</summary>
internal static class ResultFile
{
    public static async Task WriteAsync(string title, string result, string? path, CancellationToken cancellation)
    {
        var document = await MachineDescription.DescribeAsync(title, Environment.GetCommandLineArgs().Skip(1), cancellation) + result;
        Console.WriteLine(document);
        if (path is not null)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
            await File.WriteAllTextAsync(path, document, cancellation);
        }
    }
}
