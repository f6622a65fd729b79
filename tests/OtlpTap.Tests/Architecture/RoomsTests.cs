using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;

namespace OtlpTap.Tests.Architecture;

/// <summary>Rooms are layers: which one may know which stands here and in docs/architecture.md, and nowhere is a ring.</summary>
public sealed partial class RoomsTests
{
    private static readonly Dictionary<string, string[]> MayKnow = new()
    {
        ["Wire"] = [],
        ["Buffers"] = [],
        ["Otlp"] = ["Buffers", "Wire"],
        ["Metrics"] = ["Otlp"],
        ["Runs"] = ["Otlp", "Wire"],
        ["Verdicts"] = ["Runs", "Otlp"],
        ["Rules"] = ["Otlp", "Wire"],
        ["Redact"] = ["Rules", "Otlp", "Wire"],
        ["Scan"] = ["Rules", "Otlp", "Wire"],
        ["Causes"] = ["Scan", "Rules", "Otlp", "Wire"],
        ["Tag"] = ["Scan", "Rules", "Otlp", "Buffers", "Wire"],
        ["Validate"] = ["Otlp", "Buffers", "Wire"],
        ["Forward"] = ["Metrics", "Otlp", "Buffers"],
        ["Tee"] = ["Scan", "Metrics", "Otlp", "Buffers"],
        ["Recorder"] = ["Tee", "Scan", "Metrics", "Otlp", "Buffers", "Wire"],
        ["Detectors"] = ["Recorder", "Tee", "Causes", "Scan", "Rules", "Verdicts", "Runs", "Metrics", "Otlp", "Buffers", "Wire"],
        ["Spans"] = ["Rules", "Runs", "Otlp", "Wire"],
        ["Evaluations"] = ["Recorder", "Spans", "Tee", "Verdicts", "Metrics", "Otlp", "Buffers", "Wire"],
        ["Corpus"] = ["Recorder", "Tee", "Scan", "Redact", "Rules", "Verdicts", "Runs", "Metrics", "Otlp", "Buffers", "Wire"],
        ["Exports"] = ["Corpus", "Verdicts", "Otlp"],
        ["Sinks"] = ["Corpus", "Recorder", "Forward", "Metrics", "Otlp", "Buffers"],
        ["Pull"] = ["Corpus", "Evaluations", "Detectors", "Forward", "Scan", "Rules", "Verdicts", "Runs", "Metrics", "Otlp", "Wire"],
        ["Feedback"] = ["Evaluations", "Redact", "Verdicts", "Runs", "Metrics", "Otlp"],
        ["Health"] = ["Spans", "Scan", "Rules", "Verdicts", "Runs", "Metrics", "Otlp", "Wire"],
        ["Advice"] = ["Health", "Verdicts", "Runs", "Metrics", "Otlp"],
        ["Announce"] = ["Forward", "Verdicts", "Runs", "Metrics", "Otlp", "Buffers"],
        ["Judges"] = ["Forward", "Verdicts", "Runs", "Metrics", "Otlp", "Buffers"],
        ["Replay"] = ["Corpus", "Redact", "Verdicts", "Runs", "Otlp"],
        ["Pipeline"] = ["Tee", "Forward", "Validate", "Tag", "Causes", "Scan", "Metrics", "Otlp", "Buffers"],
        ["Receive"] = ["Pipeline", "Metrics", "Otlp", "Buffers"],
        ["Web"] = ["Advice", "Health", "Metrics", "Otlp", "Buffers"],
        ["Configuration"] = ["*"],
        ["Hosting"] = ["*"],
        ["Cli"] = ["*"],
    };

    private static readonly string[] Entrances = ["Configuration", "Hosting", "Cli"];

    [Fact]
    public void Every_folder_of_the_tap_is_a_room_of_the_table()
    {
        var folders = Directory.GetDirectories(SourceRoot()).Select(Path.GetFileName).Where(name => name is not ("bin" or "obj"));
        Assert.Equal(MayKnow.Keys.Order(), folders.Order());
    }

    [Fact]
    public void No_room_knows_a_room_that_the_table_does_not_allow()
    {
        var problems = new List<string>();
        foreach (var (room, allowed) in MayKnow)
        {
            foreach (var file in Directory.GetFiles(Path.Combine(SourceRoot(), room), "*.cs", SearchOption.AllDirectories))
            {
                var known = RoomName().Matches(File.ReadAllText(file)).Select(match => match.Groups["room"].Value).Distinct();
                problems.AddRange(
                    from other in known
                    where other != room && MayKnow.ContainsKey(other)
                    where !allowed.Contains(other) && (!allowed.Contains("*") || (Entrances.Contains(other) && room == "Configuration"))
                    select $"{room}/{Path.GetFileName(file)} knows {other}");
            }
        }

        Assert.Empty(problems);
    }

    [Fact]
    public void Nobody_but_the_entrances_knows_the_entrances()
    {
        Assert.All(MayKnow.Where(row => !Entrances.Contains(row.Key)), row => Assert.Empty(row.Value.Intersect(Entrances)));
    }

    [Fact]
    public void The_table_has_no_ring()
    {
        var known = new HashSet<string>();
        var left = MayKnow.Where(row => !row.Value.Contains("*")).ToDictionary();
        while (left.Count > 0)
        {
            var lowest = left.FirstOrDefault(row => row.Value.All(known.Contains)).Key;
            Assert.True(lowest is not null, $"a ring among {string.Join(", ", left.Keys)}");
            known.Add(lowest);
            left.Remove(lowest);
        }
    }

    [Fact]
    public void The_page_on_the_architecture_shows_the_same_table()
    {
        var page = File.ReadAllText(Path.Combine(SourceRoot(), "..", "..", "docs", "architecture.md"));
        foreach (var (room, allowed) in MayKnow)
        {
            var row = Regex.Match(page, $@"^\| {room} \|[^|]*\| (?<known>[^|]*) \|$", RegexOptions.Multiline);
            Assert.True(row.Success, $"docs/architecture.md has no row for {room}");
            Assert.Equal(allowed is ["*"] ? "everything" : allowed is [] ? "-" : string.Join(", ", allowed), row.Groups["known"].Value);
        }
    }

    private static string SourceRoot([CallerFilePath] string thisFile = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(thisFile)!, "..", "..", "..", "src", "OtlpTap"));

    [GeneratedRegex(@"\bOtlpTap\.(?<room>[A-Z][A-Za-z]+)\b")]
    private static partial Regex RoomName();
}
