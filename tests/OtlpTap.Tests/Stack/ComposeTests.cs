using OtlpTap.Tests.Documentation;
using YamlDotNet.RepresentationModel;

namespace OtlpTap.Tests.Stack;

/// <summary>config/compose.yaml and what Grafana is provisioned with fit each other and the files that are there.</summary>
public sealed class ComposeTests
{
    private static readonly YamlMappingNode Services = (YamlMappingNode)Read("config/compose.yaml")["services"];

    [Fact]
    public void Every_file_that_is_mounted_is_there()
    {
        var mounts = Services.Children.Values
            .SelectMany(service => ((YamlMappingNode)service).Children.TryGetValue("volumes", out var volumes) ? (YamlSequenceNode)volumes : [])
            .Select(volume => ((YamlScalarNode)volume).Value!.Split(':')[0])
            .Where(source => source.StartsWith("./", StringComparison.Ordinal))
            .ToList();

        Assert.Equal(6, mounts.Count);
        Assert.All(mounts, mount => Assert.True(Path.Exists(Markdown.InRepository("config/" + mount)), mount));
    }

    [Fact]
    public void Images_are_of_a_version()
    {
        var images = Services.Children.Values.Select(service => ((YamlMappingNode)service).Children.TryGetValue("image", out var image) ? ((YamlScalarNode)image).Value! : "built:here").ToList();

        Assert.All(images, image => Assert.DoesNotMatch(":latest$|^[^:]+$", image));
    }

    [Fact]
    public void Ports_are_open_on_this_machine_only()
    {
        var ports = Services.Children.Values
            .SelectMany(service => ((YamlMappingNode)service).Children.TryGetValue("ports", out var ports) ? (YamlSequenceNode)ports : [])
            .Select(port => ((YamlScalarNode)port).Value!);

        Assert.All(ports, port => Assert.StartsWith("127.0.0.1:", port));
    }

    /// <summary>Grafana offers a link into Explore, as every link to a trace is, only to whom it lets in there.</summary>
    [Fact]
    public void Who_looks_at_the_dashboards_may_follow_their_links_into_Explore()
    {
        var environment = (YamlMappingNode)Services["grafana"]["environment"];

        Assert.Equal("true", ((YamlScalarNode)environment["GF_AUTH_ANONYMOUS_ENABLED"]).Value);
        Assert.Equal("Editor", ((YamlScalarNode)environment["GF_AUTH_ANONYMOUS_ORG_ROLE"]).Value);
    }

    /// <summary>Who needs no password is asked by the name of the machine itself, so that no page of a browser can ask by one of its own.</summary>
    [Fact]
    public void Grafana_without_a_password_answers_by_one_address_of_this_machine_alone()
    {
        var environment = (YamlMappingNode)Services["grafana"]["environment"];

        Assert.Equal("127.0.0.1", ((YamlScalarNode)environment["GF_SERVER_DOMAIN"]).Value);
        Assert.Equal("true", ((YamlScalarNode)environment["GF_SERVER_ENFORCE_DOMAIN"]).Value);
    }

    [Fact]
    public void Dashboards_name_only_data_sources_that_are_provisioned()
    {
        var sources = ((YamlSequenceNode)Read("config/grafana/provisioning/datasources/otlptap.yaml")["datasources"]).Select(source => ((YamlScalarNode)source["uid"]).Value!).ToList();

        var named = Dashboard.All.SelectMany(dashboard => dashboard.Queries).Select(query => query.Source).Distinct().ToList();

        Assert.Equal(["loki", "prometheus", "tempo"], named.Order());
        Assert.Subset(sources.ToHashSet(), named.ToHashSet());
    }

    /// <summary>Loki refuses a selector all of whose matchers would match a stream without the label, as ".*" does when everything is chosen.</summary>
    [Fact]
    public void Queries_to_Loki_select_something_whatever_is_chosen()
    {
        var queries = Dashboard.All.SelectMany(dashboard => dashboard.Queries).Where(query => query.Source == "loki").ToList();

        Assert.NotEmpty(queries);
        Assert.All(queries, query => Assert.Matches("""^\{[^}]*="[^"]+"|^\{[^}]*=~"\.\+""", Dashboard.Filled(query.Text).Replace("=~\".*\"", "", StringComparison.Ordinal)));
    }

    [Fact]
    public void Panels_do_not_lie_over_each_other_and_have_ids_of_their_own()
    {
        foreach (var dashboard in Dashboard.All)
        {
            var taken = new HashSet<(int X, int Y)>();
            foreach (var at in dashboard.Panels.Select(panel => panel.GetProperty("gridPos")))
            {
                var (x, y, w, h) = (at.GetProperty("x").GetInt32(), at.GetProperty("y").GetInt32(), at.GetProperty("w").GetInt32(), at.GetProperty("h").GetInt32());
                Assert.True(x + w <= 24, dashboard.Name);
                Assert.All(from column in Enumerable.Range(x, w) from row in Enumerable.Range(y, h) select (column, row), place => Assert.True(taken.Add(place), dashboard.Name));
            }

            var ids = dashboard.Panels.Select(panel => panel.GetProperty("id").GetInt32()).ToList();
            Assert.Equal(ids.Distinct(), ids);
        }

        var uids = Dashboard.All.Select(dashboard => dashboard.Json.GetProperty("uid").GetString()).ToList();
        Assert.Equal(uids.Distinct(), uids);
    }

    private static YamlMappingNode Read(string path)
    {
        var yaml = new YamlStream();
        yaml.Load(new StringReader(File.ReadAllText(Markdown.InRepository(path))));
        return (YamlMappingNode)yaml.Documents[0].RootNode;
    }
}
