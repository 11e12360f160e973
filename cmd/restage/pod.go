package main

import (
	"fmt"
	"os"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/restage/restage/bot/runner"
)

// podCommand is what restage does in the pods of a repository's commands.
func podCommand() *cobra.Command {
	pod := &cobra.Command{Use: "pod", Short: "Work in the pod of a command", Hidden: true, Args: noArgs}
	pod.AddCommand(&cobra.Command{
		Use:   "tree URL",
		Short: "Fetch the work tree, with the token in RESTAGE_TOKEN",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runner.FetchTree(cmd.Context(), args[0], os.Getenv("RESTAGE_TOKEN"), runner.Root)
		},
	}, &cobra.Command{
		Use:   "files LIMIT NAME...",
		Short: "Print files of the work tree, once told to stop",
		Args:  cobra.MinimumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			limit, err := strconv.ParseInt(args[0], 10, 64)
			if err != nil {
				return usageError{fmt.Errorf("the limit: %w", err)}
			}
			if err := os.WriteFile(runner.Ready, nil, 0o644); err != nil {
				return err
			}
			<-cmd.Context().Done()
			return runner.GiveFiles(cmd.OutOrStdout(), runner.Root, args[1:], runner.Size(limit))
		},
	})
	pod.AddCommand(&cobra.Command{
		Use:   "ready",
		Short: "Say whether files waits to be told to stop",
		Args:  noArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := os.Stat(runner.Ready)
			return err
		},
	})
	return pod
}
