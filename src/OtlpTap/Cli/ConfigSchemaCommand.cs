using System.CommandLine;
using OtlpTap.Configuration;

namespace OtlpTap.Cli;

/// <summary><c>otlptap config-schema</c>: every key there is, for editors and for people.</summary>
internal static class ConfigSchemaCommand
{
    private const string Json = "json";
    private const string Page = "markdown";

    public static Command Create()
    {
        var format = new Option<string>("--format") { Description = "A JSON Schema for editors, or a page of all keys.", HelpName = $"{Json}|{Page}", DefaultValueFactory = _ => Json };
        format.AcceptOnlyFromAmong(Json, Page);
        var command = new Command("config-schema", "Print every key of the configuration with its default, range and meaning.") { format };
        command.SetAction(parsed =>
        {
            var shape = new ConfigurationLoader().Describe();
            parsed.InvocationConfiguration.Output.Write(parsed.GetValue(format) == Json ? ConfigurationSchema.Write(shape) : ConfigurationPage.Write(shape));
        });
        return command;
    }
}
